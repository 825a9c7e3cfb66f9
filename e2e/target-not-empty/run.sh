#!/usr/bin/env bash
# A target that holds something is refused and left as it was; saying Drop is the consent.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_shop 17
psql_as_superuser target postgres -c "CREATE DATABASE shop"
psql_as_superuser target shop -c "CREATE TABLE precious AS SELECT 42 AS answer"
secret source source shop
secret target target shop
replication shop Snapshot </dev/null
wait_until 60 "Stalled is True" condition_is shop Stalled True
expect "the reason is TargetNotEmpty" reason_is shop Stalled TargetNotEmpty
expect "the target is as it was" test "$(content psql_as_superuser target shop)" = "$(printf 'precious|1|%s' \
  "$(psql_as_superuser target shop -c "SELECT hashtextextended('(42)', 0)")")"

in_namespace patch replication shop --type=merge -p '{"spec":{"snapshot":{"onTargetNotEmpty":"Drop"}}}' >/dev/null
wait_ready shop
expect_equal_content shop
