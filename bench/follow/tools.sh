# shellcheck shell=bash
# Each tool has a slot on the source and a database of its own name on the target. go_TOOL lets it apply, pause_TOOL ends
# that, and its slot stays.

# pgcopydb is not among them by itself: see docs/benchmarks.md.
PEERS=(native)
ENGINE=
PGCOPYDB=

prepare_tools() {
  psql -qX "$SOURCE/postgres" -c "CREATE DATABASE bench"
  step "fill the source" pgbench -i -q -s 10 "$SOURCE/bench"
  psql -qX "$SOURCE/bench" -c "ALTER TABLE pgbench_history ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY" \
    -c "CREATE TABLE single (id bigint PRIMARY KEY, word text, number bigint)" \
    -c "CREATE TABLE mark (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"
  local tool
  for tool in tributary "${PEERS[@]}"; do
    psql -qX "$TARGET/postgres" -c "CREATE DATABASE $tool"
    step "prepare $tool" "prepare_$tool"
  done
}

prepare_tributary() { "$TRIBUTARY" init --sync --source "$SOURCE/bench" --target "$TARGET/tributary"; }

go_tributary() {
  "$TRIBUTARY" sync --source "$SOURCE/bench" --target "$TARGET/tributary" >"$BENCH_DIR/tributary.log" 2>&1 &
  ENGINE=$!
}

pause_tributary() {
  kill -TERM "$ENGINE"
  wait "$ENGINE" || { tail -n 20 "$BENCH_DIR/tributary.log" >&2; die "tributary sync failed"; }
  ENGINE=
}

# They would wait for their servers for ever. What holds the other's namespace takes all of it along.
end_engines() {
  if [[ -n $ENGINE ]]; then kill -KILL "$ENGINE" 2>/dev/null || true; fi
  if [[ -n $PGCOPYDB ]]; then pkill -KILL -P "$PGCOPYDB" || true; fi
}

prepare_native() {
  pg_dump --schema-only "$SOURCE/bench" | psql -qX "$TARGET/native" >/dev/null
  psql -qX "$SOURCE/bench" -c "CREATE PUBLICATION native FOR ALL TABLES"
  psql -qX "$TARGET/native" -c "CREATE SUBSCRIPTION native CONNECTION '$SOURCE/bench' PUBLICATION native"
  until [[ $(psql -qXAt "$TARGET/native" -c "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'") == 0 ]]; do sleep 0.2; done
  pause_native
}

go_native() { psql -qX "$TARGET/native" -c "ALTER SUBSCRIPTION native ENABLE"; }

pause_native() {
  psql -qX "$TARGET/native" -c "ALTER SUBSCRIPTION native DISABLE"
  until [[ $(psql -qXAt "$SOURCE/bench" -c "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'native' AND active") == 0 ]]; do sleep 0.05; done
}

# It goes to a position and ends there.
follow_with_pgcopydb() { # clone|follow OPTION...
  in_peer_root pgcopydb "$@" --dir /tmp/follow --plugin test_decoding --slot-name pgcopydb \
    --source "$SOURCE/bench" --target "$TARGET/pgcopydb" \
    --endpos "$(psql -qXAt "$SOURCE/bench" -c "SELECT pg_current_wal_lsn()")" >>"$BENCH_DIR/pgcopydb.log" 2>&1
}

prepare_pgcopydb() { follow_with_pgcopydb clone --follow --restart; }

go_pgcopydb() {
  follow_with_pgcopydb follow --resume --not-consistent &
  PGCOPYDB=$!
}

pause_pgcopydb() {
  wait "$PGCOPYDB" || { tail -n 20 "$BENCH_DIR/pgcopydb.log" >&2; die "pgcopydb follow failed"; }
  PGCOPYDB=
}
