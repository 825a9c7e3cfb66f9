#!/usr/bin/env bash
# Of two operators one leads. When it is killed, or stands still, the other goes on with the same Job; when it wakes up
# it ends without having written anything; when it is asked to end the other leads at once.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/operators.sh
source "$(dirname "$0")/../lib/operators.sh"

# A lease counts as over 15 s after a change of it was last seen. Each looks every 2 to 4.4 s (client-go's jitter), at what
# changed and again once that time is over.
TAKEOVER=26
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
last=
since=0
# For 6 s.
is_settled() {
  local now
  now=$(versions)
  if [[ $now != "$last" ]]; then last=$now since=$SECONDS; fi
  ((SECONDS - since >= 6))
}

begin
wait_until 60 "one of two leads, and both are ready" one_of_two_leads
start_held_copy
job=$(in_namespace get jobs -o 'jsonpath={.items[*].metadata.uid}')

first=$(holder)
restarts=$(container "$(pod_of "$first")" .restartCount)
look_again 7
wait_until 20 "the leader looks at it" status_is shop .observedGeneration 2
signal_operator KILL "$(pod_of "$first")"
look_again 8
wait_until $TAKEOVER "another leads after kill -9" another_leads "$first"
wait_until 5 "and works" status_is shop .observedGeneration 3
wait_until 60 "the killed one stands by" restarted "$(pod_of "$first")" "$restarts"

second=$(holder)
restarts=$(container "$(pod_of "$second")" .restartCount)
signal_operator STOP "$(pod_of "$second")"
frozen=$SECONDS
look_again 9
wait_until $TAKEOVER "another leads while one stands still" another_leads "$second"
release_copy
wait_ready shop
wait_until 30 "20 s have passed" is_over 20
third=$(holder)
wait_until 60 "nothing is written any more" is_settled
before=$last
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
