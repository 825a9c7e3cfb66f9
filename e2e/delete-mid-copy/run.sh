#!/usr/bin/env bash
# Deleting a Replication in the middle of its copy ends the engine first, leaves no session behind, and terminates.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_held_copy
wait_until 30 "the phase is Snapshotting" status_is shop .phase Snapshotting
in_namespace delete replication shop --timeout=90s
expect "its Job is gone" no_jobs
wait_until 30 "no session of the engine is left on the target" no_engine_sessions
