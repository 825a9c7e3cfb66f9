#!/usr/bin/env bash
# The operator may go and come in the middle of a copy: the same Job goes on to its end.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_server source 17
start_server target 17
psql_as_superuser source postgres -c "CREATE DATABASE shop"
fill_slow_source shop
hold_copy shop
secret source source shop
secret target target shop
replication shop Snapshot </dev/null
wait_until 60 "the copy is under way" copy_waits shop
job=$(in_namespace get jobs -o 'jsonpath={.items[*].metadata.uid}')
kubectl -n "$OPERATOR_NAMESPACE" delete pods --all --grace-period=0 --force >/dev/null 2>&1
kubectl -n "$OPERATOR_NAMESPACE" rollout status --timeout=60s deployment/tributary-operator >&2
release_copy
wait_ready shop
expect "it is the Job of before" test "$(status_of shop .snapshot.attempt)" = 1
expect "there is no second Job" test "$(in_namespace get jobs -o 'jsonpath={.items[*].metadata.uid}')" = "$job"
expect_equal_content shop
