# shellcheck shell=bash
# The two PostgreSQL servers of a scenario, and an independent comparison of two databases. Sourced by scenario.sh.

# shellcheck source-path=SCRIPTDIR source=../../scripts/postgres.sh
source "$ROOT/scripts/postgres.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/servers.sh
source "$ROOT/scripts/servers.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/content.sh
source "$ROOT/scripts/content.sh"

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

expect_equal_content() { # DATABASE
  local source
  source=$(content psql_as_superuser source "$1")
  [[ $source ]] || die "database $1 has no tables on the source"
  diff <(echo "$source") <(content psql_as_superuser target "$1") >&2 || die "database $1 differs between source and target"
}
