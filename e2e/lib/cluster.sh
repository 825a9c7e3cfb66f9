# shellcheck shell=bash
# What scenarios, fixture and demo share of the cluster: kubectl, waiting for conditions, installing the operator.

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

# The image of this tree under a name that changes with its content, so that pods never run an older one.
install_operator() {
  kubectl apply --server-side --force-conflicts -f "$ROOT/crds/replications.tributary.dev.yaml"
  kubectl wait --for=condition=Established --timeout=30s crd/replications.tributary.dev
  kubectl apply -k "$ROOT/config/install" || kubectl apply -f "$ROOT/config/install"
  # An image that was loaded under the same name is picked up by a new pod only.
  kubectl -n "$OPERATOR_NAMESPACE" rollout restart deployment/tributary-operator
  kubectl -n "$OPERATOR_NAMESPACE" rollout status --timeout=120s deployment/tributary-operator
}
