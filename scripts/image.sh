#!/usr/bin/env bash
# image.sh [build] build the image (Dockerfile) into the cache, or find it there; prints its name
# image.sh load    the same, then import it into the test cluster (e2e/cluster)
#
# Needs no container engine and no registry: buildah runs the Dockerfile, and its base is made by debootstrap under the name that
# FROM resolves to. All of it lies in $CACHE/image: storage, compiler cache, and archives by the content of their inputs.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=base.sh
source "$ROOT/scripts/base.sh"
prepare_environment

readonly IMAGE=localhost/tributary:dev BASE=localhost/debian:bookworm-slim SUITE=bookworm
readonly MAX_BYTES=$((60 * 1000 * 1000)) MAX_LAYERS=400
readonly INPUTS=(Dockerfile .dockerignore CMakeLists.txt CMakePresets.json cmake engine operator scripts/image-files.sh)
readonly ARCHIVES=$CACHE/image/archives

# Tests are no part of the image: a change of theirs builds nothing.
image_key() {
  (cd "$ROOT" && find "${INPUTS[@]}" -type f ! -name '*test.cpp' ! -path '*/testing/*' -print0 | sort -z | xargs -0 sha256sum) |
    sha256sum | cut -c1-16
}

image_buildah() {
  TMPDIR=$CACHE/image/tmp BUILDAH_ISOLATION=chroot \
    buildah --root "$CACHE/image/storage" --runroot "$CACHE/image/run" --storage-driver "$(image_driver)" "$@"
}

image_driver() {
  local driver=$CACHE/image/driver
  if [[ ! -e $driver ]]; then
    mkdir -p "$CACHE/image/tmp"
    if buildah --root "$CACHE/image/storage" --runroot "$CACHE/image/run" --storage-driver overlay images >/dev/null 2>&1; then
      echo overlay >"$driver"
    else
      echo vfs >"$driver"
    fi
  fi
  cat "$driver"
}

# apt_sources SUITE: the machine's own Debian sources of a suite and its updates, as lines of a sources.list.
apt_sources() {
  # shellcheck disable=SC2016 # apt's variables
  apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
    sed -n "s/^Debian|$1[^|]*|//p" | sort -u
}

# The machine's way to its mirror (sources, proxy, time-outs) goes into the base, and never into the image, which starts from scratch.
image_base() {
  local container root mirror
  mirror=$(apt_sources "$SUITE" | sed -n "s/^deb \([^ ]*\) $SUITE main\$/\1/p" | sed -n 1p)
  [[ $mirror ]] || die "apt has no Debian source of $SUITE: run apt-get update"
  container=$(image_buildah from scratch)
  root=$(image_buildah mount "$container")
  debootstrap --variant=minbase "$SUITE" "$root" "$mirror" >"$CACHE/image/debootstrap.log" ||
    die "debootstrap failed: see $CACHE/image/debootstrap.log"
  apt_sources "$SUITE" >"$root/etc/apt/sources.list"
  apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/99machine" || true
  mkdir -p "$root/etc/ssl/certs"
  if [[ $mirror == https:* ]]; then cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"; fi
  rm -f "$root"/var/cache/apt/archives/*.deb
  image_buildah umount "$container" >/dev/null
  image_buildah config --cmd /bin/bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  image_buildah commit --quiet --rm "$container" "$BASE" >/dev/null
}

image_archive() {
  local archive=$1
  image_buildah build --layers --force-rm --network host --pull-never --tag "$IMAGE" --file "$ROOT/Dockerfile" "$ROOT" \
    >"$CACHE/image/build.log" 2>&1 || { tail -n 30 "$CACHE/image/build.log" >&2; die "the image was not built: see $CACHE/image/build.log"; }
  mkdir -p "$ARCHIVES"
  find "$ARCHIVES" -type f -mtime +14 -delete
  rm -f "$archive.new"
  image_buildah push --quiet "$IMAGE" "oci-archive:$archive.new:$IMAGE"
  image_check_size "$archive.new"
  mv "$archive.new" "$archive"
}

# The layers of the archive are compressed: its size is what a node pulls.
image_check_size() {
  local bytes
  bytes=$(stat -c %s "$1")
  ((bytes <= MAX_BYTES)) || die "the image has $bytes bytes compressed, more than $MAX_BYTES"
}

image_fill() {
  local archive=$1
  image_buildah rm --all >/dev/null # what a killed build left
  if (($(image_buildah images --all --quiet | wc -l) > MAX_LAYERS)); then step "drop old layers" image_buildah rmi --prune >/dev/null; fi
  if ! image_buildah inspect --type image "$BASE" >/dev/null 2>&1; then step "make the base image by debootstrap" image_base; fi
  if [[ ! -e $archive ]]; then step "build the image $IMAGE" image_archive "$archive"; fi
}

image_build() {
  [[ $(id -u) == 0 ]] || die "needs root: the base is made in a chroot"
  mkdir -p "$CACHE/image/tmp"
  with_lock image image_fill "$1"
  say "    $IMAGE: $(awk -v bytes="$(stat -c %s "$1")" 'BEGIN {printf "%.1f MB", bytes / 1e6}') compressed, $1"
}

archive=$ARCHIVES/$(image_key).tar
case ${1:-build} in
  build) image_build "$archive" ;;
  load)
    image_build "$archive"
    "$ROOT/e2e/cluster/cluster.sh" load "$archive"
    ;;
  *) die "usage: image.sh build|load" ;;
esac
echo "$IMAGE"
