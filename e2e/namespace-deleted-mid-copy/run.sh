#!/usr/bin/env bash
# A namespace that is deleted in the middle of a copy goes away whole, and the copy's engine gives its slot back on its way;
# where it is gone too soon for that, an Event says what is left, and how to drop it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

begin
start_held_copy
wait_until 30 "the phase is Snapshotting" status_is shop .phase Snapshotting
expect "the source keeps a slot for the copy" test "$(slots)" = 1
kubectl delete namespace "$NAMESPACE" --timeout=180s >/dev/null
expect "the namespace is gone" refused NotFound kubectl get namespace "$NAMESPACE"
expect_clean_or_told
expect "no slot is left" no_slots
expect "no publication is left" test "$(publications)" = 0
