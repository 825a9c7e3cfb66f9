# shellcheck shell=bash
# The two PostgreSQL servers of a scenario, and an independent comparison of two databases. Sourced by scenario.sh.

# shellcheck source-path=SCRIPTDIR source=../../scripts/postgres.sh
source "$ROOT/scripts/postgres.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/servers.sh
source "$ROOT/scripts/servers.sh"

SERVER_PASSWORD="it's a: secret @1"
declare -A SERVER_PORTS=([source]=5501 [target]=5502) SERVER_MAJORS=()

# start_server source|target MAJOR: a new server, whose superuser is `postgres`. What a killed scenario left goes first.
start_server() {
  server_remove "e2e-$1" "$2"
  SERVER_MAJORS[$1]=$2
  resume_server "$1"
}

stop_server() { server_stop "e2e-$1" "${SERVER_MAJORS[$1]}"; }
resume_server() { server_start "e2e-$1" "${SERVER_MAJORS[$1]}" "${SERVER_PORTS[$1]}" "$SERVER_PASSWORD"; }

remove_servers() {
  local name
  for name in "${!SERVER_MAJORS[@]}"; do server_remove "e2e-$name" "${SERVER_MAJORS[$name]}"; done
}

# psql_as_superuser SERVER DATABASE psql-arguments...
psql_as_superuser() {
  local port=${SERVER_PORTS[$1]} database=$2
  shift 2
  PGPASSWORD=$SERVER_PASSWORD sql -h "$SERVER_ADDRESS" -p "$port" -U postgres -d "$database" "$@"
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
