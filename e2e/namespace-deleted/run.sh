#!/usr/bin/env bash
# A namespace that is deleted while a Replication in it follows goes away whole. Kubernetes takes the pods first, so that
# the engine may be gone before anybody can tell it to give the slot back: then an Event says what is left, and how to drop it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"

# The Event is about the Namespace, for in it nothing can be written any more. It is the one of this run.
event() {
  kubectl get events.events.k8s.io --namespace default \
    -o "jsonpath={range .items[?(@.regarding.name==\"$NAMESPACE\")]}{.note}{'\n'}{end}" | grep -F "$(slot_name)"
}
slot_name() { psql_as_superuser source postgres -c "SELECT slot_name FROM pg_replication_slots"; }
is_told() { [[ $(event) ]]; }
clean_or_told() { no_slots || is_told; }

begin
start_stream 17 </dev/null
expect "one slot" test "$(slots)" = 1
last=$(mark)
wait_until 30 "the last row is on the target" arrived "$last"
kubectl delete namespace "$NAMESPACE" --timeout=180s >/dev/null
expect "the namespace is gone" refused NotFound kubectl get namespace "$NAMESPACE"
wait_until 30 "no slot is left, or an Event tells of it" clean_or_told
if ! no_slots; then
  statements=$(event | grep -oE "SELECT pg_drop_replication_slot\('[^']*'\);( DROP PUBLICATION IF EXISTS [^;]*;)?")
  psql_as_superuser source shop -c "$statements" >/dev/null
fi
expect "no slot is left" no_slots
expect "no publication is left" test "$(publications)" = 0
expect "the copied data stays" arrived "$last"
