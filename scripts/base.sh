# shellcheck shell=bash
# What every verb of ./dev shares: where things are cached, what is printed, how steps are timed.

# Everything slow to make lives here, outside the work tree, keyed by version or content: several
# clones on one machine share it.
cache_dir() {
  local dir=${TRIBUTARY_CACHE:-}
  if [[ -z $dir ]]; then
    dir=/var/cache/tributary
    if ! mkdir -p "$dir" 2>/dev/null || [[ ! -w $dir ]]; then
      dir=${XDG_CACHE_HOME:-$HOME/.cache}/tributary
    fi
  fi
  mkdir -p "$dir"
  (cd "$dir" && pwd)
}

say() { printf '%s\n' "$*" >&2; }

die() {
  say "${0##*/}: $*"
  exit 1
}

# step "what is done" command...: runs the command and says how long it took. `set -e` stays in
# force inside, so a step is never the condition of an `if`.
step() {
  local what=$1 began=$SECONDS
  shift
  say "==> $what"
  "$@"
  say "    done in $((SECONDS - began)) s: $what"
}

# with_lock NAME command...: two runs never fill the same part of the cache at once.
with_lock() {
  local name=$1
  shift
  local lock="$CACHE/$name.lock"
  (
    flock -n 9 || { say "    waiting for another run that fills $CACHE/$name"; flock 9; }
    "$@"
  ) 9>"$lock"
}

prepare_environment() {
  umask 022
  # Messages as the tests know them; and objects compiled in another language are others to the compiler cache.
  export LANG=C.UTF-8
  unset LC_ALL LC_CTYPE LC_MESSAGES
  export HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
  CACHE=$(cache_dir)
  export TRIBUTARY_CACHE=$CACHE
  export TRIBUTARY_POSTGRES_ROOT=$CACHE/postgres
  # A fresh clone in another folder finds the compiled objects of the last one.
  export CCACHE_DIR=${CCACHE_DIR:-$CACHE/ccache}
  export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1
  local go
  for go in /usr/local/go/bin /usr/lib/go/bin; do
    if ! command -v go >/dev/null && [[ -x $go/go ]]; then PATH=$PATH:$go; fi
  done
}
