# shellcheck shell=bash
# The one binary that holds all of Kubernetes, built once for each state of its sources and kept outside the work tree.

build_flags=(-buildvcs=false -trimpath -tags "selinux_no,providerless" -ldflags
  "-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes_version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34")

binary_key() {
  { cat "$here/go.mod" "$here/go.sum" "$here"/*.go; echo "${build_flags[*]}"; uname -m; } | sha256sum | cut -c1-16
}

# build_binary: print the path of the binary, built if it is not there.
build_binary() {
  local directory binary
  directory=$(cache_dir)/cluster/$(binary_key)
  binary=$directory/tributary-cluster
  if [[ ! -x $binary ]]; then
    command -v go >/dev/null || die "no go on the PATH: install golang-go 1.23 or newer (bookworm-backports)"
    say "building Kubernetes $kubernetes_version, once: 8 minutes on 2 cores"
    mkdir -p "$directory"
    (cd "$here" && CGO_ENABLED=0 GOTOOLCHAIN=auto GOFLAGS='' go build "${build_flags[@]}" -o "$binary.$$" .) >&2 ||
      die "go build failed"
    mv "$binary.$$" "$binary"
  fi
  echo "$binary"
}
