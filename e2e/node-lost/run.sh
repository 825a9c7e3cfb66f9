#!/usr/bin/env bash
# An engine that is cut off from the network leaves sessions on the servers that nobody ends: they find out by themselves,
# and the next engine copies.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

iptables() { "$ROOT/e2e/cluster/cluster.sh" enter iptables --wait "$@"; }
# Whatever is sent, also the goodbye of the kernel when its pod ends, arrives nowhere.
cut_off() { iptables -I INPUT -s "$1" -j DROP && iptables -I OUTPUT -d "$1" -j DROP; }
connect_again() { iptables -D INPUT -s "$address" -j DROP && iptables -D OUTPUT -d "$address" -j DROP; }
sessions_of() { psql_as_superuser target postgres -c "SELECT count(*) FROM pg_stat_activity WHERE client_addr = '$1'"; }
has_sessions() { [[ $(sessions_of "$1") -gt 0 ]]; }
has_no_sessions() { [[ $(sessions_of "$1") == 0 ]]; }

begin
start_held_copy
wait_until 30 "its pod is said to run" engine_runs
first=$(engine_pod)
address=$(in_namespace get "$first" -o 'jsonpath={.status.podIP}')
expect "the engine has sessions on the target" has_sessions "$address"
AT_END+=(connect_again)
cut_off "$address"
in_namespace delete "$first" --grace-period=0 --force >/dev/null 2>&1
wait_until 90 "another engine pod runs" another_engine_runs "$first"
expect "the sessions of the lost engine live on" has_sessions "$address"
release_copy
wait_until 120 "they have ended" has_no_sessions "$address"
wait_ready shop 180
expect_equal_content shop
