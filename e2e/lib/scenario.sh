# shellcheck shell=bash
# The language of the scenarios. Sourced first by each run.sh: gives it a namespace under the restricted Pod Security
# level, two PostgreSQL servers on demand, and takes everything away at the end, however that comes.

# shellcheck source-path=SCRIPTDIR source=cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"
# shellcheck source-path=SCRIPTDIR source=postgres.sh
source "$(dirname "${BASH_SOURCE[0]}")/postgres.sh"

SCENARIO=$(basename "$(dirname "$(readlink -f "$0")")")
NAMESPACE=e2e-$SCENARIO
SERVER_ADDRESS=$(node_address)
SCENARIO_DIR=$(mktemp -d "${TMPDIR:-/tmp}/tributary-e2e.XXXXXX")

in_namespace() { kubectl -n "$NAMESPACE" "$@"; }

# Names of functions that a scenario wants called at its end.
AT_END=()

end_scenario() {
  local status=$? undo
  trap - EXIT
  if ((status != 0)); then show_everything >&2 || true; fi
  for undo in "${AT_END[@]}"; do "$undo" || true; done
  release_copy
  in_namespace delete replications --all --wait=false >/dev/null 2>&1 || true
  kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null 2>&1 || true
  remove_servers || true
  wait 2>/dev/null || true # psql of hold_copy
  rm -rf "$SCENARIO_DIR"
  exit "$status"
}
trap end_scenario EXIT
trap 'exit 130' INT TERM

# For a person who reads why a scenario failed.
show_everything() {
  echo "--- $SCENARIO failed; what the cluster says:"
  in_namespace get replications,jobs,pods -o wide
  in_namespace get replications -o yaml | grep -v '^ *f:'
  in_namespace get events --sort-by=.lastTimestamp | tail -n 20
  in_namespace logs --tail=40 --prefix -l app.kubernetes.io/managed-by=tributary --all-containers
  operator_logs --tail=60
}

# Of all of its pods.
operator_logs() { kubectl -n "$OPERATOR_NAMESPACE" logs --prefix -l app.kubernetes.io/component=operator "$@"; }

begin() {
  kubectl delete namespace "$NAMESPACE" --ignore-not-found --wait >/dev/null
  kubectl create namespace "$NAMESPACE" >/dev/null
  kubectl label namespace "$NAMESPACE" pod-security.kubernetes.io/enforce=restricted >/dev/null
}

# secret NAME SERVER DATABASE [password]
secret() {
  in_namespace create secret generic "$1" --dry-run=client -o yaml \
    --from-literal=host="$SERVER_ADDRESS" --from-literal=port="${SERVER_PORTS[$2]}" --from-literal=dbname="$3" \
    --from-literal=username=postgres --from-literal=password="${4:-$SERVER_PASSWORD}" | in_namespace apply -f - >/dev/null
}

# replication NAME MODE [SECRET of the source] < further lines of spec, indented by two
# Both ends are compared after the snapshot only with AFTER_SNAPSHOT=true: most scenarios look at each Job and pod.
replication() {
  { cat <<YAML
apiVersion: tributary.dev/v1alpha1
kind: Replication
metadata: {name: $1}
spec:
  mode: $2
  source: {type: PostgreSQL, secretRef: {name: ${3:-source}}}
  target: {secretRef: {name: target}}
  verify: {afterSnapshot: ${AFTER_SNAPSHOT:-false}}
YAML
    cat
  } | in_namespace apply -f - >/dev/null
}

# condition NAME TYPE [.status|.reason|.message]
condition() { in_namespace get replication "$1" -o "jsonpath={.status.conditions[?(@.type=='$2')]${3:-.status}}"; }

condition_is() { [[ $(condition "$1" "$2") == "$3" ]]; }
condition_says() { [[ $(condition "$1" "$2" .message) == *"$3"* ]]; }
reason_is() { [[ $(condition "$1" "$2" .reason) == "$3" ]]; }
status_is() { [[ $(status_of "$1" "$2") == "$3" ]]; }
status_of() { in_namespace get replication "$1" -o "jsonpath={.status$2}"; }

wait_ready() { # NAME [seconds]
  wait_until "${2:-120}" "$1 is Ready" condition_is "$1" Ready True
}

expect() { # "what" command...
  local what=$1
  shift
  "$@" || die "not so: $what"
  say "    $what"
}

# Fails, and says so with these words: what fails for another cause was not refused.
refused() { # WORDS command...
  local said
  if said=$("${@:2}" 2>&1); then return 1; fi
  [[ $said == *"$1"* ]]
}

# Nothing that a person could read of this namespace or of the operator's log holds the word.
never_told() {
  local told
  told=$(in_namespace get replications,configmaps,jobs,pods,events -o json && in_namespace logs --prefix --all-containers --tail=-1 \
    -l app.kubernetes.io/managed-by=tributary && operator_logs --tail=-1) || return 1
  [[ $told == *"\"namespace\": \"$NAMESPACE\""* && $told != *"$1"* ]]
}

jobs_are() { # COUNT; false, too, where the API server does not answer
  local jobs
  jobs=$(in_namespace get jobs -o name) || return 1
  (($(grep -c . <<<"$jobs") == $1))
}
job_is_there() { jobs_are 1; }
no_jobs() { jobs_are 0; }
engine_runs() { [[ -n $(engine_pod) ]]; }
another_engine_runs() { [[ -n $(engine_pod) && $(engine_pod) != "$1" ]]; } # than that POD
engine_pod() { in_namespace get pods -o name --field-selector=status.phase=Running | head -n 1; }

# Both servers; the source has a database shop, which is empty.
start_empty_shop() { # TARGET_MAJOR
  start_server source 17
  start_server target "$1"
  psql_as_superuser source postgres -c "CREATE DATABASE shop"
}

start_shop() { # TARGET_MAJOR
  start_empty_shop "$1"
  psql_as_superuser source shop -f "$ROOT/e2e/snapshot/source.sql"
}

# Both servers, and a Replication shop whose copy is under way and ends no sooner than release_copy.
start_held_copy() {
  start_empty_shop 17
  fill_slow_source shop
  hold_copy shop
  secret source source shop
  secret target target shop
  replication shop Snapshot </dev/null
  wait_until 60 "the copy is under way" copy_waits shop
}

# A source database that is copied for as long as the test wants: each row of table `slow` asks for a lock on the target
# that hold_copy keeps.
fill_slow_source() { # DATABASE
  psql_as_superuser source "$1" <<SQL
CREATE TABLE quick AS SELECT i AS id, md5(i::text) AS text FROM generate_series(1, 1000) i;
ALTER TABLE quick ADD PRIMARY KEY (id);
CREATE TABLE slow (id int PRIMARY KEY, text text);
INSERT INTO slow SELECT i, repeat('slow', 100) FROM generate_series(1, 20000) i;
CREATE FUNCTION passes(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS \$\$
BEGIN
  IF inet_server_port() = ${SERVER_PORTS[target]} THEN
    PERFORM pg_advisory_lock_shared(4711);
    PERFORM pg_advisory_unlock_shared(4711);
  END IF;
  RETURN true;
END \$\$;
ALTER TABLE slow ADD CONSTRAINT paced CHECK (passes(id));
SQL
}

hold_copy() { # DATABASE: of the target; it is created here
  psql_as_superuser target postgres -c "CREATE DATABASE $1"
  # One session keeps the lock until its input ends.
  mkfifo "$SCENARIO_DIR/hold"
  psql_as_superuser target "$1" <"$SCENARIO_DIR/hold" >/dev/null &
  exec 7>"$SCENARIO_DIR/hold"
  echo 'SELECT pg_advisory_lock(4711);' >&7
  wait_until 10 "the copy is held" lock_is_held "$1"
}

lock_is_held() { [[ $(psql_as_superuser target "$1" -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 4711 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == 1 ]]; }
copy_waits() { [[ $(psql_as_superuser target "$1" -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711") -ge 1 ]]; }
no_engine_sessions() { [[ $(psql_as_superuser target postgres -c "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'tributary%'") == 0 ]]; }
release_copy() { exec 7>&-; }
