# shellcheck shell=bash
# Tributary in a Kubernetes: CRD and operator from the manifests that users apply, with an image of our choice.

readonly DEPLOYED_IMAGE=localhost/tributary:dev

# kube ARG...: kubectl of the test cluster, or of the user's context when the demo sets KUBE.
KUBE=(e2e/cluster/cluster.sh kubectl)
kube() { "${KUBE[@]}" "$@"; }

# deploy_operator IMAGE: also replaces an older operator; done when it is up.
deploy_operator() {
  kube apply --server-side --force-conflicts -f crds/ >&2
  kube wait --for=condition=Established --timeout=60s crd/replications.tributary.dev >&2
  sed "s#$DEPLOYED_IMAGE#$1#" config/install/operator.yaml | kube apply --server-side --force-conflicts -f - >&2
  # The same tag may stand for a newer image.
  kube -n tributary-system rollout restart deployment/tributary-operator >&2
  kube -n tributary-system rollout status --timeout=120s deployment/tributary-operator >&2
}

load_image() { scripts/image.sh load >/dev/null; }

deploy() {
  step "bring the cluster up" e2e/cluster/cluster.sh up
  step "build the image and load it" load_image
  step "install the operator" deploy_operator "$DEPLOYED_IMAGE"
}
