#!/usr/bin/env bash
# Continuous sync against its peers, paired round by round: ./dev bench follow [--rounds N] [--transactions N]
# [--peers "native pgcopydb"]; native alone where none are named.
# A backlog is written once and drained by each tool in turn, each from a slot of its own into a database of its own;
# the result of every drain is compared with the source. Then a steady load, for latency; then an idle minute and one
# transaction of a million rows, for CPU and memory.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/base.sh
. "$ROOT/scripts/base.sh"
# shellcheck source=scripts/packages.sh
. "$ROOT/scripts/packages.sh"
# shellcheck source=scripts/content.sh
. "$ROOT/scripts/content.sh"
# shellcheck source=bench/servers.sh
. "$ROOT/bench/servers.sh"
# shellcheck source=bench/peers.sh
. "$ROOT/bench/peers.sh"
# shellcheck source=bench/statistics.sh
. "$ROOT/bench/statistics.sh"
# shellcheck source=bench/follow/tools.sh
. "$ROOT/bench/follow/tools.sh"
prepare_environment

rounds=5
transactions=100000
while (($#)); do
  case $1 in
    --rounds) rounds=$2 ;;
    --transactions) transactions=$2 ;;
    --peers) read -ra PEERS <<<"$2" ;;
    *) die "bench follow: unknown option $1 (known: --rounds N, --transactions N, --peers \"native pgcopydb\")" ;;
  esac
  shift 2
done

# 2: at least twice as fast as a native subscription.
readonly GOAL=0.5
readonly BACKLOGS=(pgbench inserts updates deletes)
# A backlog of single-table changes comes in transactions of so many rows.
readonly ROWS=100

backlog() { # KIND
  case $1 in
    pgbench) pgbench -n -M prepared -c 2 -j 2 -t $((transactions / 2)) "$SOURCE/bench" >"$BENCH_DIR/pgbench.log" 2>&1 ;;
    inserts) changes "INSERT INTO single SELECT i, md5(i::text), i FROM generate_series(n * $ROWS + 1, n * $ROWS + $ROWS) i" ;;
    updates) changes "UPDATE single SET number = number + 1 WHERE id BETWEEN n * $ROWS + 1 AND n * $ROWS + $ROWS" ;;
    deletes) changes "DELETE FROM single WHERE id BETWEEN n * $ROWS + 1 AND n * $ROWS + $ROWS" ;;
  esac
}

# As many rows as the transactions of pgbench change, in transactions of their own.
changes() { # STATEMENT of n
  psql -qX -v ON_ERROR_STOP=1 "$SOURCE/bench" -c "DO \$\$ BEGIN FOR n IN 0 .. $((transactions * 4 / ROWS - 1)) LOOP $1; COMMIT; END LOOP; END \$\$"
}

# From the moment a tool is told to go on until the last change is on the target.
drain() { # ROUND TOOL KIND
  local began ended mark
  mark=$(psql -qXAt "$SOURCE/bench" -c "SELECT max(id) FROM mark")
  began=$EPOCHREALTIME
  "go_$2"
  wait_for_mark "$2" "$mark"
  ended=$EPOCHREALTIME
  "pause_$2"
  awk -v round="$1" -v tool="$2" -v began="$began" -v ended="$ended" \
    'BEGIN {printf "%s %s %.2f\n", round, tool, ended - began}' | tee -a "$BENCH_DIR/times.$3" >&2
  content psql -qXAt "$TARGET/$2" | diff -q - "$BENCH_DIR/content" >/dev/null || die "$2 did not bring every change"
}

wait_for_mark() { # TOOL MARK
  local deadline=$((SECONDS + 900))
  until [[ $(psql -qXAt "$TARGET/$1" -c "SELECT count(*) FROM mark WHERE id = $2") == 1 ]]; do
    ((SECONDS < deadline)) || die "$1 did not catch up"
    sleep 0.02
  done
}

run_backlogs() {
  local round kind tool tools=(tributary "${PEERS[@]}")
  for ((round = 0; round <= rounds; round++)); do # round 0 warms up and is not counted
    for kind in "${BACKLOGS[@]}"; do
      backlog "$kind"
      psql -qX "$SOURCE/bench" -c "INSERT INTO mark DEFAULT VALUES" -c CHECKPOINT
      content psql -qXAt "$SOURCE/bench" >"$BENCH_DIR/content"
      for tool in "${tools[@]}"; do drain "$round" "$tool" "$kind"; done
      mapfile -t tools < <(printf '%s\n' "${tools[@]}" | shuf)
    done
  done
  printf 'native %s\n' $GOAL >"$BENCH_DIR/goals"
  for kind in "${BACKLOGS[@]}"; do
    sed -i '/^0 /d' "$BENCH_DIR/times.$kind"
    printf '\nBacklog %s, %s, %s rounds, %s cores:\n\n' "$kind" "$(size_of "$kind")" "$rounds" "$(nproc)"
    report_ratios "$BENCH_DIR/times.$kind" tributary "$BENCH_DIR/goals"
  done
}

size_of() { # KIND
  if [[ $1 == pgbench ]]; then echo "$transactions transactions of 4 changes"; else echo "$((transactions * 4)) rows in transactions of $ROWS"; fi
}

# Commit times of both servers, which have one clock.
steady() {
  local file
  go_tributary
  pgbench -n -M prepared -c 4 -j 2 -R 2000 -T 30 "$SOURCE/bench" >"$BENCH_DIR/steady.log" 2>&1
  psql -qX "$SOURCE/bench" -c "INSERT INTO mark DEFAULT VALUES"
  wait_for_mark tributary "$(psql -qXAt "$SOURCE/bench" -c "SELECT max(id) FROM mark")"
  pause_tributary
  for file in source target; do
    local uri=$SOURCE/bench
    [[ $file == source ]] || uri=$TARGET/tributary
    psql -qXAt -F ' ' "$uri" -c "SELECT tid, bid, aid, delta, extract(epoch FROM mtime), extract(epoch FROM pg_xact_commit_timestamp(xmin))
      FROM pgbench_history WHERE mtime > now() - interval '40 s' ORDER BY 1, 2, 3, 4, 5" >"$BENCH_DIR/commits.$file"
  done
  paste -d ' ' "$BENCH_DIR/commits.source" "$BENCH_DIR/commits.target" |
    awk '$1 == $7 && $2 == $8 && $3 == $9 && $4 == $10 && $5 == $11 {print ($12 - $6) * 1000}' | sort -g >"$BENCH_DIR/latencies"
  printf '\nSteady 2,000 transactions/s, source commit to target commit, %s commits: p50 %.0f ms, p99 %.0f ms, max %.0f ms (goal: p99 < 250)\n' \
    "$(wc -l <"$BENCH_DIR/latencies")" "$(percentile 50)" "$(percentile 99)" "$(percentile 100)"
}

percentile() { # P
  awk -v p="$1" '{v[NR] = $1} END {i = int(NR * p / 100); print v[i < 1 ? 1 : i]}' "$BENCH_DIR/latencies"
}

ticks() { awk '{print $14 + $15}' "/proc/$ENGINE/stat"; }

idle_and_large() {
  local before after seconds=30
  go_tributary
  sleep 5
  before=$(ticks)
  sleep $seconds
  after=$(ticks)
  printf '\nIdle: %.2f %% of a core (goal: < 1)\n' "$(awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v s=$seconds 'BEGIN {print t * 100 / hz / s}')"
  psql -qX "$SOURCE/bench" -c "INSERT INTO single SELECT i, md5(i::text), i FROM generate_series(10000001, 11000000) i" \
    -c "INSERT INTO mark DEFAULT VALUES"
  wait_for_mark tributary "$(psql -qXAt "$SOURCE/bench" -c "SELECT max(id) FROM mark")"
  printf '\nLargest resident set, one transaction of 1,000,000 rows included: %s MB (goal: < 150)\n' \
    "$(($(awk '/VmHWM/ {print $2}' "/proc/$ENGINE/status") / 1024))"
  pause_tributary
}

TRIBUTARY=$ROOT/build/release/bin/tributary
[[ -x $TRIBUTARY ]] || die "$TRIBUTARY is missing: run ./dev build release"
BENCH_SETTINGS+=(wal_level=logical track_commit_timestamp=on)
peer_root
bench_servers
trap 'end_engines; bench_stop' EXIT
prepare_tools
run_backlogs
steady
idle_and_large
