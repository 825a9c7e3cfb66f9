#!/usr/bin/env bash
# The operator may go and come in the middle of a copy: the same Job goes on to its end. What is applied while there is
# none says that nobody has looked at it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

scale_operator() {
  kubectl -n "$OPERATOR_NAMESPACE" scale --replicas="$1" deployment/tributary-operator >/dev/null
  kubectl -n "$OPERATOR_NAMESPACE" rollout status --timeout=60s deployment/tributary-operator >&2
}
restore_operator() { scale_operator 2; }

begin
start_held_copy
job=$(in_namespace get jobs -o 'jsonpath={.items[*].metadata.uid}')
kubectl -n "$OPERATOR_NAMESPACE" delete pods --all --grace-period=0 --force >/dev/null 2>&1
kubectl -n "$OPERATOR_NAMESPACE" rollout status --timeout=60s deployment/tributary-operator >&2
release_copy
wait_ready shop
expect "it is the Job of before" status_is shop .snapshot.attempt 1
expect "there is no second Job" test "$(in_namespace get jobs -o 'jsonpath={.items[*].metadata.uid}')" = "$job"
expect_equal_content shop

AT_END+=(restore_operator)
scale_operator 0
kubectl -n "$OPERATOR_NAMESPACE" wait --for=delete --timeout=60s pods -l app.kubernetes.io/component=operator >/dev/null
replication unseen Snapshot </dev/null
expect "nobody has looked at it" status_is unseen .observedGeneration -1
scale_operator 2
wait_until 60 "the operator has" status_is unseen .observedGeneration 1
