# shellcheck shell=bash
# PostgreSQL servers for the demo and the end-to-end tests. They run on the test cluster's node, inside its namespaces:
# pods reach them, this machine reaches them, and they end with the cluster, data and all.

cluster() { "$ROOT/e2e/cluster/cluster.sh" "$@"; }

node_address() {
  cluster kubectl get nodes -o 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}'
}

# psql of the newest major, quiet, stopping at the first error.
sql() { PGOPTIONS='-c client_min_messages=warning' "$CACHE/postgres/client-$POSTGRES_CLIENT/bin/psql" -qXAt -v ON_ERROR_STOP=1 "$@"; }

# on_node COMMAND...: on the node, as a user that PostgreSQL accepts.
on_node() { cluster enter setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"; }

server_folder() { echo "$(dirname "$(cluster kubeconfig)")/postgres/$1"; }

# server_start NAME MAJOR PORT PASSWORD [setting=value...]: a server for every address. One that runs is left alone, one that
# was stopped goes on with its data. Role postgres has the password, and everybody needs one.
server_start() {
  local name=$1 bin=$CACHE/postgres/$2/bin data
  data=$(server_folder "$name")
  if [[ ! -e $data/ready ]]; then server_make "$@"; fi
  if on_node "$bin/pg_ctl" -D "$data/pgdata" status >/dev/null; then return; fi
  on_node "$bin/pg_ctl" -D "$data/pgdata" -l "$data/log" --wait start >/dev/null || die "server $name does not start: see $data/log"
}

server_make() {
  local bin=$CACHE/postgres/$2/bin port=$3 password=$4 data setting
  data=$(server_folder "$1")
  shift 4
  rm -rf "$data"
  mkdir -p "$data"
  chown nobody:nogroup "$data"
  (umask 077 && printf '%s\n' "$password" >"$data/password")
  chown nobody "$data/password"
  on_node "$bin/initdb" -D "$data/pgdata" -U postgres -E UTF8 --locale=C.UTF-8 -A scram-sha-256 --no-sync \
    --pwfile="$data/password" >"$data/initdb.log"
  rm "$data/password"
  echo 'host all,replication all all scram-sha-256' >>"$data/pgdata/pg_hba.conf"
  {
    printf '%s\n' "port = $port" "listen_addresses = '*'" "unix_socket_directories = '$data'" 'fsync = off' \
      'wal_level = logical' 'max_wal_senders = 20' 'max_replication_slots = 20' "timezone = 'UTC'"
    for setting in "$@"; do printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"; done
  } >>"$data/pgdata/postgresql.conf"
  touch "$data/ready"
}

# server_stop NAME MAJOR: at once, as if the machine had failed. Its data stays.
server_stop() { on_node "$CACHE/postgres/$2/bin/pg_ctl" -D "$(server_folder "$1")/pgdata" -m immediate stop >/dev/null; }

# server_remove NAME MAJOR: the server and its data, if there are any.
server_remove() {
  server_stop "$1" "$2" 2>/dev/null || true
  rm -rf "$(server_folder "$1")"
}
