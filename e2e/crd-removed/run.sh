#!/usr/bin/env bash
# The CRD is deleted while a Replication follows, and with it every Replication: its slot is given back first. The operators
# go on, and work when the CRD is there again.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/operators.sh
source "$(dirname "$0")/../lib/operators.sh"

apply_crd() {
  kubectl apply --server-side --force-conflicts -f "$ROOT/crds/" >/dev/null
  kubectl wait --for=condition=Established --timeout=60s crd/replications.tributary.dev >/dev/null
}
operators() {
  in_operators get pods -l app.kubernetes.io/component=operator --sort-by=.metadata.name \
    -o 'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].restartCount}{"\n"}{end}'
}
no_engine() { [[ -z $(in_namespace get deployments,pods -o name) ]]; }

begin
AT_END+=(apply_crd)
wait_until 60 "two operators are ready" both_ready
start_stream 17 </dev/null
expect "one slot" test "$(slots)" = 1
last=$(mark)
wait_until 30 "the last row is on the target" arrived "$last"
before=$(operators)
kubectl delete crd replications.tributary.dev --timeout=180s >/dev/null
expect "no slot is left" no_slots
expect "no publication is left" test "$(publications)" = 0
expect "the copied data stays" arrived "$last"
wait_until 60 "the engine is gone" no_engine

apply_crd
psql_as_superuser target postgres -c "DROP DATABASE shop"
follow_stream </dev/null
expect_equal_content shop
expect "the operators are those of before" test "$(operators)" = "$before"
in_namespace delete replication shop --timeout=180s >/dev/null
expect "no slot is left" no_slots
