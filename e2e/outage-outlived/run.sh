#!/usr/bin/env bash
# An outage that outlives the engine uses up no limit: the status says when the next attempt is due, and that one copies.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_shop 17
stop_server source
secret source source shop
secret target target shop
replication shop Snapshot <<YAML
  snapshot: {backoffLimit: 0, stallTimeout: 10s}
YAML
wait_until 90 "the engine has given up, and the status says when the next attempt is due" \
  condition_says shop Ready "another attempt is due at"
expect "the message names the source's address" condition_says shop Ready "$SERVER_ADDRESS:${SERVER_PORTS[source]}"
expect "it is Reconciling" condition_is shop Reconciling True
expect "it is not Stalled" condition_is shop Stalled ""

resume_server source
wait_ready shop 180
expect "the second attempt copied" status_is shop .snapshot.attempt 2
expect_equal_content shop
