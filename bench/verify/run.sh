#!/usr/bin/env bash
# The comparison of two ends against its peers, paired round by round: ./dev bench verify [--rounds N].
# Prints a Markdown table; then what it takes to name one row of 6.5 million that differs, and how long the apply of a sync
# stands still for a comparison.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/base.sh
. "$ROOT/scripts/base.sh"
# shellcheck source=scripts/packages.sh
. "$ROOT/scripts/packages.sh"
# shellcheck source=bench/servers.sh
. "$ROOT/bench/servers.sh"
# shellcheck source=bench/peers.sh
. "$ROOT/bench/peers.sh"
# shellcheck source=bench/statistics.sh
. "$ROOT/bench/statistics.sh"
# shellcheck source=bench/verify/tools.sh
. "$ROOT/bench/verify/tools.sh"
# shellcheck source=bench/verify/beside.sh
. "$ROOT/bench/verify/beside.sh"
prepare_environment

rounds=5
while (($#)); do
  case $1 in
    --rounds) rounds=$2 ;;
    *) die "bench verify: unknown option $1 (known: --rounds N)" ;;
  esac
  shift 2
done

readonly DATABASE=large

measure() { # ROUND TOOL
  local began ended
  began=$EPOCHREALTIME
  # In the background, so that a signal is heard while a tool runs; it ends then for want of servers.
  "tool_$2" "$DATABASE" >"$BENCH_DIR/$2.log" 2>&1 &
  wait $! || { tail -n 20 "$BENCH_DIR/$2.log" >&2; die "$2 failed"; }
  ended=$EPOCHREALTIME
  awk -v round="$1" -v tool="$2" -v began="$began" -v ended="$ended" \
    'BEGIN {printf "%s %s %.2f\n", round, tool, ended - began}' | tee -a "$BENCH_DIR/times" >&2
}

TRIBUTARY=$ROOT/build/release/bin/tributary
[[ -x $TRIBUTARY ]] || die "$TRIBUTARY is missing: run ./dev build release"
peer_root
bench_servers
psql -qX "$SOURCE/postgres" -c "CREATE DATABASE $DATABASE"
psql -qX "$TARGET/postgres" -c "CREATE DATABASE $DATABASE"
step "fill the source" psql -qX -v ON_ERROR_STOP=1 "$SOURCE/$DATABASE" -f "$ROOT/bench/snapshot/large.sql"
step "copy it to the target" bash -c "pg_dump -Fc -Z0 '$SOURCE/$DATABASE' | pg_restore -d '$TARGET/$DATABASE'"
psql -qX "$TARGET/$DATABASE" -c "VACUUM ANALYZE"

tools=(tributary pgcopydb reference-recipe)
printf '%s\n' "pgcopydb 0.5" >"$BENCH_DIR/goals"
for ((round = 0; round <= rounds; round++)); do # round 0 warms up and is not counted
  for tool in "${tools[@]}"; do measure "$round" "$tool"; done
  # Another order each round: none always follows the same one.
  mapfile -t tools < <(printf '%s\n' "${tools[@]}" | shuf)
done
sed -i '/^0 /d' "$BENCH_DIR/times"
printf '\nEqual ends, %s, %s rounds, %s cores:\n\n' \
  "$(psql -qXAt "$SOURCE/$DATABASE" -c "SELECT pg_size_pretty(pg_database_size(current_database()))")" "$rounds" "$(nproc)"
report_ratios "$BENCH_DIR/times" tributary "$BENCH_DIR/goals"
printf '\ntributary, largest resident set: %s MB\n' "$(($(sort -n "$BENCH_DIR/rss" | tail -n 1) / 1024))"

psql -qX "$TARGET/$DATABASE" -c "UPDATE wide SET payload = set_byte(payload, 3, 17) WHERE id = 777777"
: >"$BENCH_DIR/times"
for ((round = 1; round <= rounds; round++)); do
  began=$EPOCHREALTIME
  tool_tributary "$DATABASE" >"$BENCH_DIR/planted" 2>&1 && die "tributary has not seen a row that differs"
  ended=$EPOCHREALTIME
  grep -q 'id=777777' "$BENCH_DIR/planted" || die "tributary has not named the row that differs"
  awk -v began="$began" -v ended="$ended" 'BEGIN {printf "%.2f\n", ended - began}' >>"$BENCH_DIR/times"
done
printf '\nOne row of %s differs, named with its column: %s s (median)\n' \
  "$(psql -qXAt "$SOURCE/$DATABASE" -c "SELECT count(*) FROM wide")" "$(median_of_lines <"$BENCH_DIR/times")"

beside_a_sync
