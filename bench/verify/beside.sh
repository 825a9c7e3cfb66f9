# shellcheck shell=bash
# Comparisons beside a sync under load, sourced by bench/verify/run.sh: how long the apply stood still for each, and that none
# saw a difference.

readonly COMPARISONS=20
readonly BESIDE=beside
SYNC=
WRITERS=

end_beside() {
  local pid
  for pid in $SYNC $WRITERS; do kill -KILL "$pid" 2>/dev/null || true; done
}

beside_a_sync() {
  psql -qX "$SOURCE/postgres" -c "CREATE DATABASE $BESIDE"
  step "fill the source of a sync" pgbench -i -q -s 10 "$SOURCE/$BESIDE"
  psql -qX "$SOURCE/$BESIDE" -c "ALTER TABLE pgbench_history ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
  step "copy it" "$TRIBUTARY" init --sync --source "$SOURCE/$BESIDE" --target "$TARGET/$BESIDE"
  trap 'end_beside; bench_stop' EXIT
  "$TRIBUTARY" sync --source "$SOURCE/$BESIDE" --target "$TARGET/$BESIDE" >"$BENCH_DIR/sync.log" 2>&1 &
  SYNC=$!
  pgbench -n -M prepared -c 4 -j 2 -R 2000 -T 1800 "$SOURCE/$BESIDE" >"$BENCH_DIR/pgbench.log" 2>&1 &
  WRITERS=$!
  local each before after seconds
  before=$(transactions)
  seconds=$EPOCHREALTIME
  for ((each = 1; each <= COMPARISONS; each++)); do compare_beside; done
  after=$(transactions)
  seconds=$(awk -v a="$seconds" -v b="$EPOCHREALTIME" 'BEGIN {print b - a}')
  end_beside
  wait "$SYNC" "$WRITERS" 2>/dev/null || true
  printf '\n%s comparisons beside a sync at %.0f transactions/s (2,000 asked for), none saw a difference: apply held for %s ms (min / median / max)\n' \
    "$COMPARISONS" "$(awk -v n="$((after - before))" -v s="$seconds" 'BEGIN {print n / s}')" \
    "$(sort -g "$BENCH_DIR/held" | awk '{v[NR] = $1} END {printf "%s / %s / %s", v[1], v[int((NR + 1) / 2)], v[NR]}')"
}

transactions() { psql -qXAt "$SOURCE/$BESIDE" -c "SELECT coalesce(max(id), 0) FROM pgbench_history"; }

# The sequence moves on between the look at the source and that at the target: what counts here are the tables.
compare_beside() {
  "$TRIBUTARY" verify --source "$SOURCE/$BESIDE" --target "$TARGET/$BESIDE" --output json >"$BENCH_DIR/beside.json" 2>"$BENCH_DIR/beside.log" || true
  jq -e '.verification | .tablesCompared == 4 and .tablesDifferent == 0 and .tablesNotCompared == 0' "$BENCH_DIR/beside.json" >/dev/null ||
    die "a comparison beside a sync: $(jq -c .verification "$BENCH_DIR/beside.json")"
  jq .verification.heldMilliseconds "$BENCH_DIR/beside.json" >>"$BENCH_DIR/held"
}
