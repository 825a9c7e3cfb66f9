#!/usr/bin/env bash
# The passwords of both ends change while a Replication follows: it goes on with what the Secrets say then.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

# change_password SERVER PASSWORD
change_password() { psql_as_superuser "$1" postgres -c "ALTER ROLE postgres PASSWORD '$2'" >/dev/null; }
end_sessions() { psql_as_superuser "$1" postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tributary%'" >/dev/null; }

begin
start_stream 17 </dev/null
old=$SERVER_PASSWORD
new="another: secret @2"
change_password source "$new"
change_password target "$new"
SERVER_PASSWORD=$new
secret source source shop
secret target target shop
end_sessions source
end_sessions target
wait_until 240 "what is written under the new passwords is on the target" arrived "$(mark)"
wait_ready shop 120
expect "no table was copied again" status_is shop .snapshot.attempt 1
expect_equal_content shop
expect "the old password was told nowhere" never_told "$old"
expect "nor was the new one" never_told "$new"
in_namespace delete replication shop --timeout=180s >/dev/null
expect "no slot is left" no_slots
