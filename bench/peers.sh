# shellcheck shell=bash
# pgcopydb of the newest Debian suite, in a root folder of its own under the cache: nothing of it touches the machine.

# Debian 12 has no script for this suite; the one of sid, which it came from, serves.
readonly PEER_SUITE=forky

peer_build() { # FOLDER
  local uri
  apt_suite "$1.apt" $PEER_SUITE deb
  uri=$(awk '{print $3}' "$1.apt/sources.list")
  debootstrap --variant=minbase --include=pgcopydb,postgresql-client-18 $PEER_SUITE "$1.new" "$uri" sid >"$1.log" 2>&1 ||
    die "the root folder for pgcopydb was not built: see $1.log"
  rm -rf "$1" "$1.apt" "$1.log"
  mv "$1.new" "$1"
}

peer_root() {
  PEER_ROOT=$CACHE/bench/$PEER_SUITE
  [[ -x $PEER_ROOT/usr/bin/pgcopydb ]] && return
  ((EUID == 0)) || die "pgcopydb is installed in a root folder of its own, which needs root"
  mkdir -p "$CACHE/bench"
  rm -rf "$PEER_ROOT.new"
  step "install pgcopydb of Debian $PEER_SUITE aside" peer_build "$PEER_ROOT"
}

# in_peer_root COMMAND...: /proc exists for this one command only.
in_peer_root() {
  # shellcheck disable=SC2016 # expanded inside
  unshare --mount --pid --fork --kill-child bash -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$PEER_ROOT" "$@"
}
