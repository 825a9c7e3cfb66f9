#!/usr/bin/env bash
# A source that does not answer keeps nobody from deleting: after its time the object goes, and an Event says what to do.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

event() { in_namespace get events.events.k8s.io -o 'jsonpath={.items[?(@.reason=="SourceObjectsLeft")].note}'; }
is_told() { [[ $(event) ]]; }

begin
start_stream 17 <<'YAML'
  deletion: {timeout: 45s}
YAML
stop_server source
began=$SECONDS
in_namespace delete replication shop --timeout=180s >/dev/null
say "    the object went after $((SECONDS - began)) s"
expect "not before its time" test $((SECONDS - began)) -ge 40
wait_until 30 "an Event tells what is left" is_told
wait_until 60 "no engine is left" no_jobs
resume_server source
expect "the slot is still there" test "$(slots)" = 1
statements=$(event | grep -o "SELECT pg_drop_replication_slot('[^']*');")
psql_as_superuser source shop -c "$statements" >/dev/null
expect "what the Event says drops it" no_slots
