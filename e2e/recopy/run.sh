#!/usr/bin/env bash
# A table whose changes meet no row stops, and is not overlooked; spec.recopy brings it back while the others are followed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

# recopy REQUEST_ID TABLE...
recopy() {
  local tables
  tables=$(printf '"%s",' "${@:2}")
  in_namespace patch replication shop --type=merge \
    -p "{\"spec\":{\"recopy\":{\"requestID\":\"$1\",\"tables\":[${tables%,}]}}}" >/dev/null
}
says() { grep -qF "$1" <<<"$2"; }
not_streamed() { status_of shop ".notStreamed[?(@.table=='$1')]$2"; }
is_told_as() { [[ $(not_streamed "$1" .state) == "$2" ]]; } # TABLE STATE
request_is() { status_is shop .recopy.requestID "$1" && status_is shop .recopy.result "$2"; }
event_of() { [[ -n $(in_namespace get events -o name --field-selector="reason=$1") ]]; }

begin
start_stream 18 <<<'  sync: {schemaChanges: Apply, refreshInterval: 24h}'
psql_as_superuser source shop -c "INSERT INTO load SELECT i, 0 FROM generate_series(1, 100) i" \
  -c "CREATE TABLE keyless (n int)" -c "INSERT INTO keyless VALUES (1)"
wait_until 30 "the rows of load are on the target" arrived "$(mark)"
wait_until 150 "a new table without a key is told of" is_told_as shop.public.keyless NotStreamed
wait_ready shop

psql_as_superuser target shop -c "DELETE FROM load WHERE id = 7"
psql_as_superuser source shop -c "UPDATE load SET n = 1 WHERE id = 7" -c "INSERT INTO keyless VALUES (2)"
wait_until 60 "Ready says that a table has stopped" reason_is shop Ready TablesStopped
expect "which one" condition_says shop Ready shop.public.load
expect "Ready is False" condition_is shop Ready False
expect "Stalled is True" condition_is shop Stalled True
expect "Synced is False" condition_is shop Synced False
expect "an Event tells of it" event_of TablesStopped
expect "status.notStreamed has its state" is_told_as shop.public.load Stopped
expect "and its reason" test -n "$(not_streamed shop.public.load .reason)"
expect "status.sync counts it" status_is shop .sync.tablesStopped 1
wait_until 30 "the others go on" arrived "$(mark)"

expect "the request is taken" recopy first shop.public.load shop.public.keyless
wait_until 180 "the request is done" request_is first Succeeded
expect "both tables were copied" status_is shop .recopy.tablesCopied 2
wait_ready shop
expect "load is followed again" is_told_as shop.public.load ''
expect "an Event tells of it" event_of Recopied
psql_as_superuser source shop -c "UPDATE load SET n = 2 WHERE id = 7" -c "DELETE FROM load WHERE id = 8"
wait_until 30 "its changes arrive" arrived "$(mark)"
expect_equal_content shop

expect "other tables under the same requestID are refused" \
  says "spec.recopy.tables can be changed only with another requestID" "$(recopy first shop.public.mark 2>&1)"
expect "a request for a table that is not there is taken" recopy second shop.public.nowhere
wait_until 180 "and has failed" request_is second Failed
expect "with its name" says "shop.public.nowhere" "$(status_of shop .recopy.message)"
wait_ready shop
expect_equal_content shop
in_namespace delete replication shop --timeout=180s >/dev/null
expect "no slot is left" no_slots
