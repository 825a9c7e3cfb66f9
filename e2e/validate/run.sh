#!/usr/bin/env bash
# Mode Validate reports every finding and writes nothing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_shop 18
secret source source shop
secret target target shop
replication check Validate </dev/null
wait_until 90 "Validated is True" condition_is check Validated True
expect "nothing was created on the target" \
  test "$(psql_as_superuser target postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'shop'")" = 0
expect "Ready is True" condition_is check Ready True

psql_as_superuser target postgres -c "CREATE DATABASE shop"
psql_as_superuser target shop -c "CREATE TABLE precious (a int)"
replication full Validate </dev/null
wait_until 90 "Validated is False" condition_is full Validated False
expect "the finding is in the status" grep -q TargetNotEmpty <(in_namespace get replication full -o yaml)
