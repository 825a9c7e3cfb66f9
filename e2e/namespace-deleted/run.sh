#!/usr/bin/env bash
# A namespace that is deleted while a Replication in it follows goes away whole. Kubernetes takes the pods first, so that
# the engine may be gone before anybody can tell it to give the slot back: then an Event says what is left, and how to drop it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

begin
start_stream 17 </dev/null
expect "one slot" test "$(slots)" = 1
last=$(mark)
wait_until 30 "the last row is on the target" arrived "$last"
kubectl delete namespace "$NAMESPACE" --timeout=180s >/dev/null
expect "the namespace is gone" refused NotFound kubectl get namespace "$NAMESPACE"
expect_clean_or_told
expect "no slot is left" no_slots
expect "no publication is left" test "$(publications)" = 0
expect "the copied data stays" arrived "$last"
