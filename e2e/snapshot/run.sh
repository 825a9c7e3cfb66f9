#!/usr/bin/env bash
# Two databases of one server arrive by one Replication; everything a user looks at tells the truth.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_server source 15
start_server target 17
for database in shop billing; do
  psql_as_superuser source postgres -c "CREATE DATABASE $database"
  psql_as_superuser source "$database" -f "$(dirname "$0")/source.sql"
done
psql_as_superuser source postgres -c "CREATE ROLE clerk LOGIN PASSWORD 'x'" -c "CREATE DATABASE private"
psql_as_superuser source shop -c "GRANT SELECT ON customers TO clerk"
secret source source postgres
secret target target postgres
replication shop Snapshot <<YAML
  databases: {include: [shop, billing]}
YAML
wait_ready shop

expect_equal_content shop
expect_equal_content billing
expect "SnapshotComplete is True" condition_is shop SnapshotComplete True
expect "Reconciling is gone" condition_is shop Reconciling ""
expect "Stalled is absent" condition_is shop Stalled ""
expect "phase is Completed" status_is shop .phase Completed
expect "observedGeneration is the generation" \
  status_is shop .observedGeneration "$(in_namespace get replication shop -o 'jsonpath={.metadata.generation}')"
expect "a database that was not selected stayed away" \
  test "$(psql_as_superuser target postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'private'")" = 0
expect "the role came with its grant" \
  test "$(psql_as_superuser target shop -c "SELECT has_table_privilege('clerk', 'customers', 'SELECT')")" = t
expect "an orphan cannot be inserted: foreign keys are in force" \
  refused "violates foreign key constraint" psql_as_superuser target shop -c 'INSERT INTO orders VALUES (-1, -1, 0)'
in_namespace get replications >&2
expect "kubectl get shows 100%" grep -q '100%' <(in_namespace get replications)

in_namespace delete replication shop --timeout=60s
wait_until 30 "its Job is gone" no_jobs
expect "the copied data stays" test "$(psql_as_superuser target shop -c 'SELECT count(*) FROM customers')" = 1000
