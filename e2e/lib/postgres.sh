# shellcheck shell=bash
# PostgreSQL servers of this machine that pods reach, and an independent comparison of two databases. Sourced by
# scenario.sh.

SERVER_PASSWORD="it's a: secret @1"
SERVER_PIDS=()

# start_server NAME MAJOR: sets NAME_PORT; the superuser is `postgres`. The server ends with this script, also when the
# script is killed.
start_server() {
  local name=$1 major=$2 bin=$CACHE/postgres/$2/bin data=$SCENARIO_DIR/$1 port
  mkdir "$data"
  printf '%s' "$SERVER_PASSWORD" >"$SCENARIO_DIR/password"
  chmod 644 "$SCENARIO_DIR/password"
  chown nobody:nogroup "$data"
  as_nobody "$bin/initdb" -D "$data" -U postgres -A scram-sha-256 --pwfile="$SCENARIO_DIR/password" -E UTF8 --locale=C >/dev/null
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  port=$(free_port)
  declare -g "${name^^}_PORT=$port"
  run_server "$name" "$major"
}

run_server() { # NAME MAJOR
  local name=$1 port_name=${1^^}_PORT bin=$CACHE/postgres/$2/bin
  as_nobody setpriv --pdeathsig QUIT "$bin/postgres" -D "$SCENARIO_DIR/$name" -p "${!port_name}" \
    -c "listen_addresses=$HOST_ADDRESS" -c unix_socket_directories= -c fsync=off -c wal_level=logical \
    >>"$SCENARIO_DIR/$name.log" 2>&1 &
  SERVER_PIDS+=($!)
  wait_until 30 "server $name answers" psql_as_superuser "$name" postgres -c 'SELECT 1'
}

as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }

free_port() {
  local port
  while port=$((20000 + RANDOM % 20000)); do
    (exec 3<>"/dev/tcp/$HOST_ADDRESS/$port") 2>/dev/null || break
  done
  echo "$port"
}

# psql_as_superuser SERVER DATABASE psql-arguments...
psql_as_superuser() {
  local port_name=${1^^}_PORT database=$2
  shift 2
  PGPASSWORD=$SERVER_PASSWORD "$CACHE/postgres/client-18/bin/psql" -qXAt -v ON_ERROR_STOP=1 \
    -h "$HOST_ADDRESS" -p "${!port_name}" -U postgres -d "$database" "$@"
}

# content SERVER DATABASE: per table of every user schema a count and an order-independent sum of row hashes.
content() {
  local union
  union=$(psql_as_superuser "$1" "$2" -c "
    SELECT coalesce(string_agg(format('SELECT %L, count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM ONLY %s t',
      c.oid::regclass, c.oid::regclass), ' UNION ALL ' ORDER BY n.nspname, c.relname), 'SELECT 1 WHERE false')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', '_tributary')")
  psql_as_superuser "$1" "$2" -c "$union" | sort
}

expect_equal_content() { # DATABASE
  diff <(content source "$1") <(content target "$1") >&2 || die "database $1 differs between source and target"
  [[ -n $(content target "$1") ]] || die "database $1 has no tables on the target"
}
