#!/usr/bin/env bash
# The API server and etcd may die, or stand still longer than a Lease lasts, while a Replication follows: the stream goes on
# meanwhile, two operators find each other again, and nothing is begun a second time.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/operators.sh
source "$(dirname "$0")/../lib/operators.sh"

part() { "$ROOT/e2e/cluster/cluster.sh" enter pidof "$1"; }
signal_part() { "$ROOT/e2e/cluster/cluster.sh" enter kill -s "$1" "$(part "$2")"; } # NAME PART
is_another() { local now; now=$(part "$1") && [[ $now != "$2" ]]; } # PART PID
answers() { kubectl get --raw /readyz --request-timeout=5s; }
look_again() { in_namespace patch replication shop --type=merge -p "{\"spec\":{\"sync\":{\"maxLag\":\"$1m\"}}}"; }
is_over() { ((SECONDS - frozen >= $1)); }
wake_all() { for part in etcd kube-apiserver; do signal_part CONT "$part"; done; }

# After each fault: who leads works, and the engine is the one of before.
generation=1
expect_work() {
  ((++generation))
  wait_until 90 "the API server answers" answers
  wait_until 60 "it takes a change" look_again $((generation + 1))
  wait_until 60 "an operator looks at it" status_is shop .observedGeneration "$generation"
  wait_until 60 "one of two leads, and both are ready" one_of_two_leads
  wait_until 60 "what is written on the source is on the target" arrived "$(mark)"
  wait_ready shop 60
  expect "it is the engine of before" test "$(engine_pod)" = "$engine"
}

begin
AT_END+=(wake_all)
wait_until 60 "one of two leads, and both are ready" one_of_two_leads
start_stream 17 </dev/null
engine=$(engine_pod)
deployment=$(deployment_versions)
touch "$SCENARIO_DIR/writing"
write_on &

for part in kube-apiserver etcd; do
  pid=$(part "$part")
  signal_part KILL "$part"
  wait_until 30 "$part was started again" is_another "$part" "$pid"
  wait_until 60 "the stream goes on" arrived "$(mark)"
  expect_work
done
for part in kube-apiserver etcd; do
  signal_part STOP "$part"
  frozen=$SECONDS
  wait_until 60 "the stream goes on while $part stands still" arrived "$(mark)"
  wait_until 60 "a Lease is long over" is_over 30
  signal_part CONT "$part"
  expect_work
done

rm "$SCENARIO_DIR/writing"
wait
expect_same_life "$deployment"
