# shellcheck shell=bash
# One function a tool: compares database $1 of SOURCE with that of TARGET. Each is what its documentation tells a user to
# run; 0 where it found both equal.

tool_tributary() {
  /usr/bin/time -a -f %M -o "$BENCH_DIR/rss" "$TRIBUTARY" verify --source "$SOURCE/$1" --target "$TARGET/$1"
}

tool_pgcopydb() {
  in_peer_root pgcopydb compare data --dir /tmp/compare --source "$SOURCE/$1" --target "$TARGET/$1"
}

# What the reference tool sends for each table, four at a time on each end: every column as text, rows numbered in the order
# of all columns, one MD5 of all of it. It takes the first four of a table's columns here: with all of them the text of one
# table would pass the gigabyte that string_agg can hold.
reference_sql() { # TABLE COLUMN...
  local table=$1 column text='' order
  shift
  for column in "$@"; do text+="${text:+ || '|' || }COALESCE($column::text, '')"; done
  order=$(IFS=,; echo "$*")
  echo "SELECT md5(string_agg(row_text, '' ORDER BY row_number)) FROM (SELECT $text AS row_text,
    ROW_NUMBER() OVER (ORDER BY $order) FROM $table) AS rows"
}

tool_reference-recipe() {
  local end pids=() pid
  for end in SOURCE TARGET; do
    psql -qXAt "${!end}/$1" -c "$(reference_sql accounts aid bid abalance filler)" >"$BENCH_DIR/$end.accounts" &
    pids+=($!)
    psql -qXAt "${!end}/$1" -c "$(reference_sql wide id code name city)" >"$BENCH_DIR/$end.wide" &
    pids+=($!)
    psql -qXAt "${!end}/$1" -c "$(reference_sql branches bid bbalance filler)" >"$BENCH_DIR/$end.branches" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  local table
  for table in accounts wide branches; do cmp -s "$BENCH_DIR/SOURCE.$table" "$BENCH_DIR/TARGET.$table" || return 1; done
}
