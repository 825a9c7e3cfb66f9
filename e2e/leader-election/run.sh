#!/usr/bin/env bash
# Of two operators one leads. When it is killed, or stands still, the other goes on with the same Job; when it wakes up
# it ends without having written anything; when it is asked to end the other leads at once.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

OPERATOR=deployment/tributary-operator
in_operators() { kubectl -n "$OPERATOR_NAMESPACE" "$@"; }
ready_operators() { in_operators rollout status --timeout=120s "$OPERATOR" >&2; }

# As config/install has it, but two that vote.
start_two_operators() {
  in_operators apply -f - >/dev/null <<YAML
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: e2e-leader-election}
rules:
  - {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: e2e-leader-election}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: e2e-leader-election}
subjects: [{kind: ServiceAccount, name: tributary-operator, namespace: $OPERATOR_NAMESPACE}]
YAML
  in_operators delete lease tributary-operator --ignore-not-found >/dev/null
  in_operators patch "$OPERATOR" --type=json -p '[{"op": "replace", "path": "/spec/replicas", "value": 2},
    {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--leader-elect"}]' >/dev/null
  ready_operators
}
restore_operator() {
  kubectl apply --server-side --force-conflicts -f "$ROOT/config/install/operator.yaml" >/dev/null
  in_operators delete role,rolebinding e2e-leader-election --ignore-not-found >/dev/null
  ready_operators
}

holder() { in_operators get lease tributary-operator -o 'jsonpath={.spec.holderIdentity}'; }
somebody_leads() { [[ $(holder) ]]; }
another_leads() { local now; now=$(holder) && [[ $now && $now != "$1" ]]; }
pod_of() { echo "${1%_*}"; } # HOLDER
container() { in_operators get pod "$1" -o "jsonpath={.status.containerStatuses[0]$2}"; } # POD PATH
restarted() { [[ $(container "$1" .restartCount) -gt $2 && $(container "$1" .ready) == true ]]; }
# signal_operator NAME POD: to its process, where the node runs.
signal_operator() {
  local id pid
  id=$(container "$2" .containerID)
  pid=$("$ROOT/e2e/cluster/cluster.sh" enter ctr -n k8s.io tasks ls | awk -v id="${id#containerd://}" '$1 == id { print $2 }')
  [[ $pid ]] || die "no process of operator $2"
  "$ROOT/e2e/cluster/cluster.sh" enter kill -s "$1" "$pid"
}
is_over() { ((SECONDS - frozen >= $1)); }
look_again() { in_namespace patch replication shop --type=merge -p "{\"spec\":{\"snapshot\":{\"backoffLimit\":$1}}}" >/dev/null; }
versions() { in_namespace get replications,jobs,configmaps -o 'jsonpath={range .items[*]}{.kind} {.metadata.uid} {.metadata.resourceVersion}{"\n"}{end}'; }

begin
AT_END+=(restore_operator)
start_two_operators
wait_until 30 "one of two leads, and both are ready" somebody_leads
start_held_copy
job=$(in_namespace get jobs -o 'jsonpath={.items[*].metadata.uid}')

first=$(holder)
restarts=$(container "$(pod_of "$first")" .restartCount)
look_again 7
wait_until 20 "the leader looks at it" status_is shop .observedGeneration 2
signal_operator KILL "$(pod_of "$first")"
look_again 8
wait_until 20 "the other leads after kill -9" another_leads "$first"
wait_until 5 "and works" status_is shop .observedGeneration 3
wait_until 60 "the killed one stands by" restarted "$(pod_of "$first")" "$restarts"

second=$(holder)
restarts=$(container "$(pod_of "$second")" .restartCount)
signal_operator STOP "$(pod_of "$second")"
frozen=$SECONDS
look_again 9
wait_until 20 "another leads while one stands still" another_leads "$second"
release_copy
wait_ready shop
wait_until 30 "20 s have passed" is_over 20
third=$(holder)
before=$(versions)
signal_operator CONT "$(pod_of "$second")"
wait_until 60 "the one that stood still ends, and stands by" restarted "$(pod_of "$second")" "$restarts"
expect "it failed" test "$(container "$(pod_of "$second")" .lastState.terminated.exitCode)" = 1
expect "it said why" grep -q "leadership lost" <(in_operators logs --previous "$(pod_of "$second")")
expect "it wrote nothing" test "$(versions)" = "$before"
expect "the other still leads" test "$(holder)" = "$third"

in_operators delete pod "$(pod_of "$third")" --wait=false >/dev/null
wait_until 10 "another leads after a clean end" another_leads "$third"
expect "it is the Job of before" status_is shop .snapshot.attempt 1
expect "there was no second Job" test "$(in_namespace get jobs -o 'jsonpath={.items[*].metadata.uid}')" = "$job"
expect_equal_content shop
