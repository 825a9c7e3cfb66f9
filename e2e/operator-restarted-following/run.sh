#!/usr/bin/env bash
# The operator may go and come while a Replication follows: the same engine goes on, and nothing it applied is missing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

begin
start_stream 17 </dev/null
engine=$(engine_pod)
deployment=$(deployment_versions)
touch "$SCENARIO_DIR/writing"
write_on &
kubectl -n "$OPERATOR_NAMESPACE" delete pods --all --grace-period=0 --force >/dev/null 2>&1
wait_until 60 "the stream goes on without an operator" arrived "$(mark)"
kubectl -n "$OPERATOR_NAMESPACE" rollout status --timeout=60s deployment/tributary-operator >&2
in_namespace patch replication shop --type=merge -p '{"spec":{"sync":{"maxLag":"2m"}}}' >/dev/null
wait_until 60 "the operator looks at it again" status_is shop .observedGeneration 2
rm "$SCENARIO_DIR/writing"
wait
wait_ready shop 60
expect "it is the engine of before" test "$(engine_pod)" = "$engine"
expect_same_life "$deployment"
