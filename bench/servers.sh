# shellcheck shell=bash
# Two PostgreSQL servers for a benchmark, alone on 127.0.0.1: the source and the target. Sourced by bench/<case>/run.sh,
# after scripts/base.sh. Both end with the script, also when it is interrupted.
#
# fsync is off on both, for every tool alike: the disk of a shared machine is the noisiest thing in it, and no tool
# waits for it differently than another.

readonly BENCH_MAJOR=18
BENCH_SETTINGS=(
  fsync=off wal_level=replica shared_buffers=1GB max_wal_size=16GB checkpoint_timeout=1h maintenance_work_mem=256MB
  max_connections=100 autovacuum=off log_min_messages=fatal unix_socket_directories= listen_addresses=127.0.0.1)

# The servers refuse to run as root: they run as `nobody` then.
as_server() {
  if ((EUID == 0)); then setpriv --reuid nobody --regid nogroup --clear-groups "$@"; else "$@"; fi
}

bench_server() { # NAME PORT
  local data=$BENCH_DIR/$1 bin=$CACHE/postgres/$BENCH_MAJOR/bin setting options=
  mkdir -p "$data"
  if ((EUID == 0)); then chown nobody:nogroup "$data"; fi
  as_server "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C >"$BENCH_DIR/$1.initdb" 2>&1
  for setting in "${BENCH_SETTINGS[@]}" "port=$2"; do options+=" -c $setting"; done
  as_server "$bin/pg_ctl" -D "$data" -l "$data/log" -w -o "$options" start >/dev/null
}

bench_stop() {
  local name
  for name in source target; do
    [[ -f $BENCH_DIR/$name/postmaster.pid ]] || continue
    as_server "$CACHE/postgres/$BENCH_MAJOR/bin/pg_ctl" -D "$BENCH_DIR/$name" -m immediate stop >/dev/null 2>&1 || true
  done
  rm -rf "$BENCH_DIR"
}

free_port() {
  local port
  while port=$((20000 + RANDOM % 20000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# bench_servers: starts both; sets SOURCE and TARGET, each a URI without a database, and BENCH_DIR.
bench_servers() {
  BENCH_DIR=$(mktemp -d "${TMPDIR:-/tmp}/tributary-bench.XXXXXX")
  chmod 755 "$BENCH_DIR"
  trap bench_stop EXIT
  trap 'exit 130' INT TERM
  PATH=$CACHE/postgres/client-18/bin:$PATH
  local source_port target_port
  source_port=$(free_port)
  target_port=$(free_port)
  bench_server source "$source_port"
  bench_server target "$target_port"
  SOURCE=postgresql://postgres@127.0.0.1:$source_port
  TARGET=postgresql://postgres@127.0.0.1:$target_port
}

# Whatever a tool left behind is gone, and no old write is paid by the next tool.
fresh_target() { # DATABASE
  PGOPTIONS='-c client_min_messages=warning' psql -qX "$TARGET/postgres" -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" \
    -c "CREATE DATABASE $1" -c CHECKPOINT
  sync
}
