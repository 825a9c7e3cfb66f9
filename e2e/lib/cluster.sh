# shellcheck shell=bash
# What scenarios share of the cluster: kubectl and waiting for conditions.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../../scripts/base.sh
source "$ROOT/scripts/base.sh"
prepare_environment

OPERATOR_NAMESPACE=tributary-system

kubectl() { "$ROOT/e2e/cluster/cluster.sh" kubectl "$@"; }

# wait_until SECONDS "what" command...: until the command succeeds; at the end of time the test fails and says what
# it waited for.
wait_until() {
  local seconds=$1 what=$2 began=$SECONDS
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS - began < seconds)) || die "after $seconds s still not: $what"
    sleep 0.2
  done
  say "    $what, after $((SECONDS - began)) s"
}
