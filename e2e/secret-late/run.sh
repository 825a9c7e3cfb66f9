#!/usr/bin/env bash
# A Secret that comes later than the Replication is named while it is missing, and starts the copy when it comes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_shop 17
secret target target shop
replication shop Snapshot </dev/null
wait_until 30 "CredentialsSynced is False" condition_is shop CredentialsSynced False
expect "the message names the Secret" condition_says shop CredentialsSynced "source"

secret source source shop
wait_ready shop
expect "CredentialsSynced is True" condition_is shop CredentialsSynced True
expect_equal_content shop
