#!/usr/bin/env bash
# Fifty Replications in one apply, each with a pod of its own: all become Ready though the node has no room for all at once, each
# by one copy, and what waits says so.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

readonly COUNT=50
all() { in_namespace get replications -o "jsonpath={range .items[*]}$1{\"\\n\"}{end}"; }
ready() { all "{.status.conditions[?(@.type=='Ready')].status}"; }
all_ready() { [[ $(ready | sort | uniq -c) =~ ^\ *$COUNT\ True$ ]]; }
manifest() {
  local i
  for ((i = 1; i <= COUNT; i++)); do
    cat <<YAML
---
apiVersion: v1
kind: Secret
metadata: {name: target-$i}
stringData: {host: "$SERVER_ADDRESS", port: "${SERVER_PORTS[target]}", dbname: shop_$i, username: postgres, password: "$SERVER_PASSWORD"}
---
apiVersion: tributary.dev/v1alpha1
kind: Replication
metadata: {name: shop-$i}
spec:
  mode: Snapshot
  source: {type: PostgreSQL, secretRef: {name: source}}
  target: {secretRef: {name: target-$i}}
  verify: {afterSnapshot: false}
YAML
  done
}

begin
start_shop 17
secret source source shop
for server in source target; do
  psql_as_superuser $server postgres -c "ALTER SYSTEM SET max_connections = 1000" \
    -c "ALTER SYSTEM SET max_wal_senders = 60" -c "ALTER SYSTEM SET max_replication_slots = 60"
  stop_server $server
  resume_server $server
done
manifest | in_namespace apply -f - >/dev/null
wait_until 60 "each has its Job" jobs_are $COUNT
expect "each says what it is at" test "$(all '{.status.phase}' | grep -c .)" = $COUNT
wait_until 600 "all are Ready" all_ready
expect "by one copy each" test "$(all '{.status.snapshot.attempt}' | sort | uniq -c | tr -d ' ')" = "${COUNT}1"
source_content=$(content psql_as_superuser source shop)
[[ $source_content ]] || die "database shop has no tables on the source"
for ((i = 1; i <= COUNT; i++)); do
  diff <(echo "$source_content") <(content psql_as_superuser target "shop_$i") >&2 || die "shop_$i differs from shop"
done
expect "no slot is left" test "$(psql_as_superuser source postgres -c "SELECT count(*) FROM pg_replication_slots")" = 0
in_namespace delete replications --all --timeout=120s >/dev/null
wait_until 60 "no Job is left" no_jobs
