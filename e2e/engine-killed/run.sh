#!/usr/bin/env bash
# An engine pod killed in the middle of its copy is replaced; nothing is lost or doubled.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_held_copy
wait_until 30 "its pod is said to run" engine_runs
first=$(engine_pod)
in_namespace delete "$first" --grace-period=0 --force >/dev/null 2>&1
wait_until 90 "another engine pod runs" another_engine_runs "$first"
release_copy
wait_ready shop 180
expect_equal_content shop
