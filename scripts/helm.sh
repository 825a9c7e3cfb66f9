# shellcheck shell=bash
# Helm, built once from its Go module and kept outside the work tree: what tests the chart.

readonly HELM_VERSION=v3.22.0

helm_fill() {
  local folder=$CACHE/helm/$HELM_VERSION stage
  [[ ! -x $folder/helm ]] || return 0
  command -v go >/dev/null || die "no go on the PATH: install golang-go 1.23 or newer (bookworm-backports)"
  mkdir -p "$folder"
  stage=$(mktemp -d "$folder/.stage.XXXXXX")
  (cd "$stage" && CGO_ENABLED=0 GOTOOLCHAIN=auto GOFLAGS='' GOBIN=$stage \
    go install -trimpath -ldflags '-s -w' "helm.sh/helm/v3/cmd/helm@$HELM_VERSION") >&2
  mv "$stage/helm" "$folder/helm"
  rm -rf "$stage"
}

# In a lock of its own: the cluster's binary may be built meanwhile.
fetch_helm() { with_lock helm helm_fill; }

helm() { KUBECONFIG=$(cluster kubeconfig) "$CACHE/helm/$HELM_VERSION/helm" "$@"; }
