#!/usr/bin/env bash
# A wrong password stalls the Replication with the server's own words; mending the Secret is all it takes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_shop 17
secret source source shop "not the password"
secret target target shop
replication shop Snapshot </dev/null
wait_until 60 "Stalled is True" condition_is shop Stalled True
expect "the message names the source and the cause" condition_says shop Stalled "password authentication failed"
expect "the password is in no object, Event or log" never_told "not the password"
expect "Ready is False" condition_is shop Ready False

secret source source shop
wait_ready shop
expect "Stalled is gone" condition_is shop Stalled ""
expect_equal_content shop
expect "nor is the right one" never_told "$SERVER_PASSWORD"
