# shellcheck shell=bash
# One function a tool: copies database $1 from SOURCE to TARGET, where it is new and empty. Each is what its
# documentation tells a user of a two-core machine to run.

# What nothing can beat with the same servers: bare binary COPY in two streams, each followed by its index builds. No
# snapshot shared, nothing checked, no sequence, owner, grant or statistics.
copy_stream() { # DATABASE TABLE...
  local database=$1 table
  shift
  for table in "$@"; do
    psql -qX "$SOURCE/$database" -c "COPY $table TO STDOUT (FORMAT binary)" |
      psql -qX "$TARGET/$database" -c BEGIN -c "TRUNCATE $table" -c "COPY $table FROM STDIN (FORMAT binary, FREEZE)" -c COMMIT
    psql -qX -v ON_ERROR_STOP=1 "$TARGET/$database" <"$BENCH_DIR/index.$table"
  done
}

prepare_floor() { # DATABASE: the statements that the floor runs, made outside the measured time
  pg_dump --section=pre-data -f "$BENCH_DIR/pre.sql" "$SOURCE/$1"
  local table
  for table in $FLOOR_TABLES; do
    pg_dump --section=post-data -t "$table" "$SOURCE/$1" >"$BENCH_DIR/index.$table"
  done
}

tool_floor() {
  psql -qX -v ON_ERROR_STOP=1 "$TARGET/$1" <"$BENCH_DIR/pre.sql" >/dev/null
  local stream pids=()
  for stream in "${FLOOR_STREAMS[@]}"; do
    # shellcheck disable=SC2086 # a list of tables
    copy_stream "$1" $stream &
    pids+=($!)
  done
  local pid
  for pid in "${pids[@]}"; do wait "$pid"; done
}

tool_pgcopydb() {
  in_peer_root pgcopydb clone --dir /tmp/clone --restart --source "$SOURCE/$1" --target "$TARGET/$1"
}

tool_pgcopydb-binary() {
  in_peer_root pgcopydb clone --dir /tmp/clone --restart --use-copy-binary --table-jobs 2 --index-jobs 2 \
    --source "$SOURCE/$1" --target "$TARGET/$1"
}

tool_dump-restore() {
  pg_dump -Fd -j2 -Z0 -f "$BENCH_DIR/dump" "$SOURCE/$1"
  pg_restore -j2 -d "$TARGET/$1" "$BENCH_DIR/dump"
}

tool_reference-recipe() {
  pg_dump --schema-only --no-owner --no-privileges "$SOURCE/$1" | psql -qX -v ON_ERROR_STOP=1 "$TARGET/$1" >/dev/null
  pg_dump --data-only --no-owner -Fd -Z9 -j2 -f "$BENCH_DIR/dump" "$SOURCE/$1"
  # The reference tool loads under live foreign keys; only disabled triggers let it through a chain of them.
  pg_restore --data-only --no-owner --disable-triggers -d "$TARGET/$1" "$BENCH_DIR/dump"
}

tool_tributary() {
  /usr/bin/time -a -f %M -o "$BENCH_DIR/rss" "$TRIBUTARY" init --yes --source "$SOURCE/$1" --target "$TARGET/$1"
}
