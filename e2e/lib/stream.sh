# shellcheck shell=bash
# What scenarios of streams share, sourced after scenario.sh: a Replication `shop` that follows, and its traces at both ends.

slots() { psql_as_superuser source postgres -c "SELECT count(*) FROM pg_replication_slots"; }
no_slots() { [[ $(slots) == 0 ]]; }
publications() { psql_as_superuser source shop -c "SELECT count(*) FROM pg_publication"; }
# A new row on the source, by its number, and whether it is on the target.
mark() { psql_as_superuser source shop -c "INSERT INTO mark DEFAULT VALUES RETURNING id" | head -n 1; }
arrivals() { psql_as_superuser target shop -c "SELECT count(*) FROM mark WHERE id = $1"; }
arrived() { [[ $(arrivals "$1") == 1 ]]; }

# Transactions without a pause until the file `writing` of the scenario's folder goes.
write_on() {
  while [[ -e $SCENARIO_DIR/writing ]]; do
    psql_as_superuser source shop -c "INSERT INTO load SELECT i, 0 FROM (SELECT coalesce(max(id), 0) + 1 AS i FROM load) n" \
      -c "UPDATE load SET n = n + 1 WHERE id % 7 = 0" -c "DELETE FROM load WHERE id % 11 = 0" >/dev/null
  done
}

# Both servers, and a Replication shop that has copied and follows. < further lines of its spec, indented by two
start_stream() { # TARGET_MAJOR
  prepare_stream "$1"
  follow_stream
}
prepare_stream() { # TARGET_MAJOR
  start_shop "$1"
  psql_as_superuser source shop -c "CREATE TABLE mark (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)" \
    -c "CREATE TABLE load (id int PRIMARY KEY, n int)"
  secret source source shop
  secret target target shop
}
follow_stream() {
  replication shop SnapshotAndSync
  wait_ready shop 180
  wait_until 30 "what is written on the source is on the target" arrived "$(mark)"
}

deployment_versions() { in_namespace get deployments -o 'jsonpath={.items[*].metadata.uid} {.items[*].metadata.generation}'; }
# expect_same_life DEPLOYMENT_VERSIONS: of the stream, since they were taken; ends it.
expect_same_life() {
  expect "nobody has written its Deployment" test "$(deployment_versions)" = "$1"
  expect "there was one copy" status_is shop .snapshot.attempt 1
  wait_until 60 "all of it is on the target" arrived "$(mark)"
  expect_equal_content shop
  in_namespace delete replication shop --timeout=180s >/dev/null
  expect "no slot is left" no_slots
}

# What an Event says of a namespace that is gone: it is about the Namespace, for in it nothing can be written any more.
left_behind() {
  kubectl get events.events.k8s.io --namespace default \
    -o "jsonpath={range .items[?(@.regarding.name==\"$NAMESPACE\")]}{.note}{'\n'}{end}" | grep -F "$(slot_name)"
}
slot_name() { psql_as_superuser source postgres -c "SELECT slot_name FROM pg_replication_slots"; }
is_told() { [[ $(left_behind) ]]; }
clean_or_told() { no_slots || is_told; }
# Drops then what the Event says how to drop.
expect_clean_or_told() {
  local statements
  wait_until 30 "no slot is left, or an Event tells of it" clean_or_told
  no_slots && return
  statements=$(left_behind | grep -oE "SELECT pg_drop_replication_slot\('[^']*'\);( DROP PUBLICATION IF EXISTS [^;]*;)?")
  psql_as_superuser source shop -c "$statements" >/dev/null
}
