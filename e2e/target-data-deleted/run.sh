#!/usr/bin/env bash
# With deletion.targetData Delete what a Replication copied goes with it: all of a database that was empty, and what
# nobody else needs of one that was not. An Event names the rest.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

# What users have in the target's database, extensions apart: "table orders", "type tier", "schema _tributary".
objects() {
  psql_as_superuser target shop -c "SELECT 'relation ' || oid::regclass FROM pg_class
      WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)' AND relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL SELECT 'type ' || oid::regtype FROM pg_type
      WHERE typnamespace::regnamespace::text !~ '^(pg_|information_schema)' AND typtype IN ('e', 'd')
    UNION ALL SELECT 'schema ' || nspname FROM pg_namespace
      WHERE nspname !~ '^(pg_|information_schema)' AND nspname <> 'public' ORDER BY 1"
}
event() { in_namespace get events.events.k8s.io -o 'jsonpath={.items[?(@.reason=="TargetDataLeft")].note}'; }
tells() { [[ $(event) == *"$1"* ]]; }
added_arrived() { [[ $(psql_as_superuser target shop -c "SELECT count(*) FROM added" 2>/dev/null) == 1 ]]; }

begin
start_stream 17 <<'YAML'
  deletion: {targetData: Delete}
YAML
psql_as_superuser source shop -c "CREATE TABLE added (id int PRIMARY KEY)" -c "INSERT INTO added VALUES (1)"
wait_until 60 "a table that came later is on the target" added_arrived
in_namespace delete replication shop --timeout=180s >/dev/null
expect "no slot is left on the source" no_slots
expect "no publication is left" test "$(publications)" = 0
expect "nothing of it is left on the target" test -z "$(objects)"
expect "the database is still there" test "$(psql_as_superuser target shop -c 'SELECT 1')" = 1
wait_until 30 "its Jobs are gone" no_jobs

say "beside what others have"
psql_as_superuser target shop -c "CREATE TYPE tier AS ENUM ('free', 'paid')" -c 'CREATE TABLE "Mixed Case" ("a-b" text, note jsonb)'
replication shop Snapshot <<'YAML'
  snapshot: {onTargetNotEmpty: Append}
  deletion: {targetData: Delete}
YAML
wait_ready shop
psql_as_superuser target shop -c "CREATE VIEW report AS SELECT count(*) FROM customers"
in_namespace delete replication shop --timeout=180s >/dev/null
expect "a table that was there before stays" \
  test "$(psql_as_superuser target shop -c 'SELECT count(*) FROM "Mixed Case"')" = 3
expect "so does one that somebody's view reads" test "$(psql_as_superuser target shop -c 'SELECT * FROM report')" = 1000
expect "the others are gone" test -z "$(objects | grep -E 'orders|totals|mark|load|added|_tributary')"
wait_until 30 "an Event tells of the one" tells 'public."Mixed Case": left on the target: it was there before'
expect "and of the other" tells "table public.customers: left on the target: view public.report depends on it"
