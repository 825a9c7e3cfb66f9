#!/usr/bin/env bash
# The API server that the operator's tests talk to answers as a real one does.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

remove_kind() { kubectl delete --ignore-not-found -f "$ROOT/e2e/kube-conformance/things.yaml" >&2; }

AT_END+=(remove_kind)
begin
remove_kind
kubectl apply -f "$ROOT/e2e/kube-conformance/things.yaml" >&2
kubectl wait --for=condition=Established --timeout=30s crd/things.example.tributary.dev >&2
KUBECONFIG=$(cluster kubeconfig) NAMESPACE=$NAMESPACE "${TRIBUTARY_BINARIES:-$ROOT/build/dev/bin}/kube_conformance"
