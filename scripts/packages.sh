# shellcheck shell=bash
# Debian packages: only what is missing is installed, and only where that is allowed.

readonly GO_NEEDED=1.24

packages_listed() { sed -e 's/#.*//' -e 's/[[:space:]].*//' -e '/^$/d' "$ROOT/scripts/packages.txt"; }

packages_missing() {
  local name
  for name in $(packages_listed); do
    if [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) != installed ]]; then echo "$name"; fi
  done
}

go_is_new_enough() {
  command -v go >/dev/null || return 1
  local have
  have=$(GOTOOLCHAIN=local go env GOVERSION) || return 1
  printf '%s\n' "$GO_NEEDED" "${have#go}" | sort --version-sort --check=quiet
}

# Root as such or by sudo; empty words where neither is at hand.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

may_install() { [[ $(id -u) == 0 ]] || sudo -n true 2>/dev/null; }

packages_install() {
  may_install || die "these Debian packages are missing and neither root nor sudo is at hand: $*"
  as_root apt-get -q update
  as_root apt-get -q -y install --no-install-recommends "$@"
}

debian_mirror() {
  # shellcheck disable=SC2016 # apt's variables
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Identifier: Packages' 'Component: main' |
    sed -n 's/^Debian|Debian|//p' | sed -n 1p
}

# apt_suite DIR SUITE TYPE sets APT_SUITE, the options that make apt use a suite which the machine's own
# configuration lacks: from the same mirror, with lists of its own under DIR, so nothing of the machine changes.
apt_suite() {
  local dir=$1 suite=$2 type=$3 uri
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$dir/lists/partial" "$dir/parts"
  uri=$(debian_mirror)
  if [[ -z $uri ]] && may_install; then  # A machine whose lists were never fetched.
    as_root apt-get -q update >&2
    uri=$(debian_mirror)
  fi
  [[ -n $uri ]] || die "apt has no Debian source to derive suite $suite from: run apt-get update"
  echo "$type [signed-by=$keys] $uri $suite main" >"$dir/sources.list"
  APT_SUITE=(-o "Dir::Etc::SourceList=$dir/sources.list" -o "Dir::Etc::SourceParts=$dir/parts"
    -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=")
}

# Debian 12 has Go 1.19. The one in its backports is new enough to fetch the toolchain that a go.mod asks for.
go_install() {
  may_install || die "Go $GO_NEEDED or newer is missing and neither root nor sudo is at hand: install golang-go from bookworm-backports"
  local dir
  dir=$(mktemp -d)
  as_root apt-get -q update
  apt_suite "$dir" bookworm-backports deb
  as_root apt-get -q "${APT_SUITE[@]}" update
  # Everything that the backport depends on must come from backports or be in Debian 12.
  local main
  main=$(sed 's/ bookworm-backports / bookworm /' "$dir/sources.list")
  echo "$main" >>"$dir/sources.list"
  as_root apt-get -q "${APT_SUITE[@]}" update
  as_root apt-get -q -y "${APT_SUITE[@]}" install --no-install-recommends -t bookworm-backports golang-go
  rm -rf "$dir"
}

packages() {
  command -v apt-get >/dev/null || die "this is not Debian: install what scripts/packages.txt lists"
  local missing
  missing=$(packages_missing)
  # shellcheck disable=SC2086 # a list of words
  if [[ -n $missing ]]; then step "install Debian packages: ${missing//$'\n'/ }" packages_install $missing; fi
  if ! go_is_new_enough && ! go_can_switch; then step "install Go from backports" go_install; fi
}

# A Go of 1.21 or later fetches a newer toolchain by itself.
go_can_switch() {
  command -v go >/dev/null || return 1
  printf '%s\n' 1.21 "$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//')" | sort --version-sort --check=quiet
}
