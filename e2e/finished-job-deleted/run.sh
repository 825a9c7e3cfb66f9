#!/usr/bin/env bash
# A finished Job that somebody deletes never runs again, whatever wakes the operator; a new requestID does repeat it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_shop 17
secret source source shop
secret target target shop
replication shop Snapshot </dev/null
wait_ready shop
in_namespace delete jobs --all >/dev/null
# A change of the spec makes the operator look once more, and observedGeneration tells that it did.
change_backoff_limit() {
  local generation
  in_namespace patch replication shop --type=merge -p "{\"spec\":{\"snapshot\":{\"backoffLimit\":$1}}}" >/dev/null
  generation=$(in_namespace get replication shop -o 'jsonpath={.metadata.generation}')
  wait_until 30 "the operator has seen generation $generation" status_is shop .observedGeneration "$generation"
}
change_backoff_limit 5
kubectl -n "$OPERATOR_NAMESPACE" rollout restart deployment/tributary-operator >/dev/null
kubectl -n "$OPERATOR_NAMESPACE" rollout status --timeout=60s deployment/tributary-operator >&2
change_backoff_limit 4
expect "there is no Job" no_jobs
expect "it is still Ready" condition_is shop Ready True

psql_as_superuser source shop -c "INSERT INTO orders VALUES (1000000, 1, 1)"
in_namespace patch replication shop --type=merge -p '{"spec":{"snapshot":{"requestID":"again","onTargetNotEmpty":"Drop"}}}' >/dev/null
again() { status_is shop .snapshot.requestID again && condition_is shop Ready True; }
wait_until 120 "the snapshot was repeated" again
expect "it took one attempt" status_is shop .snapshot.attempt 2
expect_equal_content shop
