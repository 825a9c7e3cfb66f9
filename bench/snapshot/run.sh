#!/usr/bin/env bash
# The snapshot against its peers, paired round by round: ./dev bench snapshot [--set large|small] [--rounds N].
# Prints a Markdown table per set. The result of every tool is compared with the source once, by counts and hashes.
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
# shellcheck source=bench/snapshot/tools.sh
. "$ROOT/bench/snapshot/tools.sh"
prepare_environment

sets=(large small)
rounds=5
while (($#)); do
  case $1 in
    --set) sets=("$2") ;;
    --rounds) rounds=$2 ;;
    *) die "bench snapshot: unknown option $1 (known: --set large|small, --rounds N)" ;;
  esac
  shift 2
done

readonly LARGE_TOOLS=(tributary floor pgcopydb-binary pgcopydb dump-restore reference-recipe)
readonly SMALL_TOOLS=(tributary pgcopydb-binary pgcopydb dump-restore)
FLOOR_TABLES="branches accounts wide"
FLOOR_STREAMS=("accounts" "wide branches")

goals() { # SET
  if [[ $1 == large ]]; then
    printf '%s\n' "floor 1.05" "pgcopydb-binary 0.96" "pgcopydb 0.75" "reference-recipe 0.25"
  else
    printf '%s\n' "pgcopydb-binary 0.5" "pgcopydb 0.5"
  fi
}

measure() { # ROUND TOOL DATABASE
  local began ended
  fresh_target "$3"
  rm -rf "$BENCH_DIR/dump"
  began=$EPOCHREALTIME
  # In the background, so that a signal is heard while a tool runs; it ends then for want of servers.
  "tool_$2" "$3" >"$BENCH_DIR/$2.log" 2>&1 &
  wait $! || { tail -n 20 "$BENCH_DIR/$2.log" >&2; die "$2 failed"; }
  ended=$EPOCHREALTIME
  awk -v round="$1" -v tool="$2" -v began="$began" -v ended="$ended" \
    'BEGIN {printf "%s %s %.2f\n", round, tool, ended - began}' | tee -a "$BENCH_DIR/times.$3" >&2
}

# Indexes and constraints, so that nobody is fast by building none.
structure() { # URI
  psql -qXAt "$1" -c "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1" \
    -c "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY 1, 2"
}

check_content() { # TOOL DATABASE
  content psql -qXAt "$TARGET/$2" | diff -q - "$BENCH_DIR/content.$2" >/dev/null || die "$1 did not copy $2 completely"
  structure "$TARGET/$2" | diff - "$BENCH_DIR/structure.$2" >&2 || die "$1 did not build all indexes and constraints of $2"
}

run_set() { # SET
  local set=$1 round tool tools=("${LARGE_TOOLS[@]}")
  if [[ $set == small ]]; then tools=("${SMALL_TOOLS[@]}"); fi
  psql -qX "$SOURCE/postgres" -c "CREATE DATABASE $set"
  step "fill the source with the $set set" psql -qX -v ON_ERROR_STOP=1 "$SOURCE/$set" -f "$ROOT/bench/snapshot/$set.sql"
  content psql -qXAt "$SOURCE/$set" >"$BENCH_DIR/content.$set"
  structure "$SOURCE/$set" >"$BENCH_DIR/structure.$set"
  if [[ $set == large ]]; then prepare_floor "$set"; fi
  goals "$set" >"$BENCH_DIR/goals"
  for ((round = 0; round <= rounds; round++)); do # round 0 warms up and is not counted
    for tool in "${tools[@]}"; do
      measure "$round" "$tool" "$set"
      if ((round == 0)); then check_content "$tool" "$set"; fi
    done
    # Another order each round: none always follows the same one.
    mapfile -t tools < <(printf '%s\n' "${tools[@]}" | shuf)
  done
  sed -i '/^0 /d' "$BENCH_DIR/times.$set"
  printf '\nSet %s, %s, %s rounds, %s cores:\n\n' "$set" \
    "$(psql -qXAt "$SOURCE/$set" -c "SELECT pg_size_pretty(pg_database_size(current_database()))")" "$rounds" "$(nproc)"
  report_ratios "$BENCH_DIR/times.$set" tributary "$BENCH_DIR/goals"
  printf '\ntributary, largest resident set: %s MB\n' "$(($(sort -n "$BENCH_DIR/rss" | tail -n 1) / 1024))"
}

TRIBUTARY=$ROOT/build/release/bin/tributary
[[ -x $TRIBUTARY ]] || die "$TRIBUTARY is missing: run ./dev build release"
peer_root
bench_servers
for set in "${sets[@]}"; do run_set "$set"; done
