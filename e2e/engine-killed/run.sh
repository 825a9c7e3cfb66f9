#!/usr/bin/env bash
# An engine pod killed in the middle of its copy is replaced. The next one keeps the tables that were finished, brings
# them to the moment of the others, and leaves nothing on the source.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

# Which transaction wrote a row that nobody has changed: another one where the table was copied again.
writer_of_quick() { psql_as_superuser target shop -c "SELECT xmin FROM quick WHERE id = 1"; }

begin
start_held_copy
wait_until 60 "table quick is finished" status_is shop .snapshot.tablesDone 1
expect "the source keeps a slot for the copy" test "$(slots)" = 1
writer=$(writer_of_quick)
first=$(engine_pod)
in_namespace delete "$first" --grace-period=0 --force >/dev/null 2>&1
psql_as_superuser source shop -c "UPDATE quick SET text = 'later' WHERE id = 2" -c "DELETE FROM quick WHERE id = 3" \
  -c "INSERT INTO quick VALUES (1001, 'later')" -c "UPDATE slow SET text = 'later' WHERE id = 2"
wait_until 90 "another engine pod runs" another_engine_runs "$first"
release_copy
wait_ready shop 180
expect_equal_content shop
expect "quick was not copied again" test "$(writer_of_quick)" = "$writer"
expect "all tables are of one moment" status_is shop .snapshot.consistency Snapshot
expect "no slot is left on the source" no_slots
expect "no publication is left" test "$(publications)" = 0
