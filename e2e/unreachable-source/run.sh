#!/usr/bin/env bash
# A source that does not answer is waited for, and the status says so at once; when it comes, the copy goes on.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_shop 17
stop_server source
secret source source shop
secret target target shop
replication shop Snapshot </dev/null
wait_until 60 "the message names the source's address" condition_says shop Ready "$SERVER_ADDRESS:${SERVER_PORTS[source]}"
expect "Ready is False" condition_is shop Ready False
expect "it is not Stalled: this mends itself" condition_is shop Stalled ""

resume_server source
wait_ready shop 180
expect_equal_content shop
