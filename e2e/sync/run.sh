#!/usr/bin/env bash
# After its snapshot a Replication follows the source: through writes, a killed engine and a pause, and it leaves no slot.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

phase_is() { status_is shop .phase "$1"; }

begin
start_stream 18 </dev/null
expect "SnapshotComplete is True" condition_is shop SnapshotComplete True
expect "one slot" test "$(slots)" = 1
in_namespace get replications >&2
expect "kubectl get shows the lag" grep -qE ' [0-9]+s ' <(in_namespace get replications)

touch "$SCENARIO_DIR/writing"
write_on &
killed=$(engine_pod)
in_namespace delete "$killed" --force --grace-period=0 >/dev/null 2>&1
wait_until 120 "another engine is at work" another_engine_runs "$killed"
wait_until 120 "it has what was written meanwhile" arrived "$(mark)"
rm "$SCENARIO_DIR/writing"
wait
wait_until 60 "and the rest" arrived "$(mark)"
expect_equal_content shop

in_namespace patch replication shop --type=merge -p '{"spec":{"state":"Paused"}}' >/dev/null
wait_until 120 "it is paused" phase_is Paused
paused=$(mark)
wait_until 60 "the pause says what the source keeps" condition_says shop Ready keeps
expect "nothing arrives" test "$(arrivals "$paused")" = 0
in_namespace patch replication shop --type=merge -p '{"spec":{"state":"Running"}}' >/dev/null
wait_until 120 "it goes on where it was" arrived "$paused"
wait_ready shop
expect "the password was told nowhere" never_told "$SERVER_PASSWORD"

in_namespace delete replication shop --timeout=180s >/dev/null
expect "no slot is left" no_slots
expect "no publication is left" test "$(publications)" = 0
expect "the copied data stays" arrived "$paused"
