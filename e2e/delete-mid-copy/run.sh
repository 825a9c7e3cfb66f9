#!/usr/bin/env bash
# Deleting a Replication in the middle of its copy ends the engine first, leaves no session behind, and terminates.
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
phase_is_snapshotting() { [[ $(status_of shop .phase) == Snapshotting ]]; }
wait_until 30 "the phase is Snapshotting" phase_is_snapshotting
in_namespace delete replication shop --timeout=90s
expect "its Job is gone" no_jobs
wait_until 30 "no session of the engine is left on the target" no_engine_sessions
