#!/usr/bin/env bash
# Deleting a Replication in the middle of its copy ends the engine first, has what the copy holds on the source given
# back, leaves no session behind, and terminates.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

begin
start_held_copy
wait_until 30 "the phase is Snapshotting" status_is shop .phase Snapshotting
expect "the source keeps a slot for the copy" test "$(slots)" = 1
in_namespace delete replication shop --timeout=90s
expect "no slot is left on the source" no_slots
expect "no publication is left" test "$(publications)" = 0
wait_until 30 "its Jobs are gone" no_jobs
wait_until 30 "no session of the engine is left on the target" no_engine_sessions
