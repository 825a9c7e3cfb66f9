#!/usr/bin/env bash
# The operator against a real kube-apiserver and etcd: ./dev bench operator [--rounds N] [--objects N].
# Races it, paired round by round, against a minimal operator on controller-runtime that does the same for the same objects;
# then what it costs with 1,000 and 10,000 healthy objects. Prints Markdown tables. Needs root, and e2e/cluster's binary.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/base.sh
. "$ROOT/scripts/base.sh"
# shellcheck source=bench/statistics.sh
. "$ROOT/bench/statistics.sh"
prepare_environment

rounds=3
objects=1000
while (($#)); do
  case $1 in
    --rounds) rounds=$2 ;;
    --objects) objects=$2 ;;
    *) die "bench operator: unknown option $1 (known: --rounds N, --objects N)" ;;
  esac
  shift 2
done

OPERATOR=$ROOT/build/release/bin/tributary-operator
DRIVER=$ROOT/build/release/bin/bench-operator
BENCH_DIR=$ROOT/build/release/bench-operator # an empty folder, but for who runs

build_driver() {
  (cd "$ROOT/bench/operator" && CGO_ENABLED=0 GOTOOLCHAIN=auto GOFLAGS='' go build -buildvcs=false -trimpath -o "$DRIVER" .)
}

cluster_binary() (
  here=$ROOT/e2e/cluster
  # shellcheck source=e2e/cluster/lib/settings.sh
  . "$here/lib/settings.sh"
  # shellcheck source=e2e/cluster/lib/binary.sh
  . "$here/lib/binary.sh"
  build_binary
)

ratios() { # FILE UNIT TITLE
  printf '\n%s:\n\n' "$3"
  report_ratios "$BENCH_DIR/$1" tributary "$BENCH_DIR/goals" "$2"
}

# In namespaces of its own for network, processes and mounts: nothing here meets anything outside, and all of it goes with
# this process, whatever ends it.
inside() {
  mkdir -p "$BENCH_DIR"
  mount -t tmpfs -o mode=700 tmpfs "$BENCH_DIR"
  # shellcheck source=bench/operator/control_plane.sh
  . "$ROOT/bench/operator/control_plane.sh"
  step "start etcd and kube-apiserver" start_control_plane "$BENCH_CLUSTER"
  : >"$BENCH_DIR/goals"
  "$DRIVER" drive --kubeconfig "$kubeconfig" --audit "$AUDIT" --operator "$OPERATOR" --results "$BENCH_DIR" \
    --rounds "$rounds" --objects "$objects" &
  wait $! || { tail -n 20 "$BENCH_DIR"/*.log >&2; die "the benchmark failed"; }
  printf '\n%s rounds, %s cores; %s objects a burst\n' "$rounds" "$(nproc)" "$objects"
  ratios p50 ms "Create to POST of the Job, 100 objects one by one, p50"
  ratios p99 ms "The same, p99"
  ratios burst s "A burst, to all children created and status written"
  ratios cpu s "CPU of the operator in that burst"
  ratios resident MiB "Resident set after it"
}

if [[ ${BENCH_CLUSTER:-} ]]; then
  inside
else
  ((EUID == 0)) || die "bench operator makes namespaces, which needs root"
  [[ -x $OPERATOR ]] || die "$OPERATOR is missing: run ./dev build release"
  step "build the driver" build_driver
  BENCH_CLUSTER=$(cluster_binary)
  export BENCH_CLUSTER
  exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0" --rounds "$rounds" --objects "$objects"
fi
