#!/usr/bin/env bash
# A wrong password stalls the Replication with the server's own words; mending the Secret is all it takes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_server source 17
start_server target 17
psql_as_superuser source postgres -c "CREATE DATABASE shop"
psql_as_superuser source shop -f "$ROOT/e2e/snapshot/source.sql"
secret source source shop "not the password"
secret target target shop
replication shop Snapshot </dev/null
wait_until 60 "Stalled is True" condition_is shop Stalled True
expect "the message names the source and the cause" condition_says shop Stalled "password authentication failed"
expect "the password is nowhere in the object" \
  refused grep -q 'not the password' <(in_namespace get replication shop -o yaml)
expect "Ready is False" condition_is shop Ready False

secret source source shop
wait_ready shop
expect "Stalled is gone" condition_is shop Stalled ""
expect_equal_content shop
