# shellcheck shell=bash
# The suites. Each is a ctest test of label unit (no server), pg (live PostgreSQL), nightly (live PostgreSQL for hours) or
# e2e (a real Kubernetes).

# Rooms with threads of their own run under ThreadSanitizer too; of the PostgreSQL tests those in which threads meet: the
# workers of a copy, the receiver of a stream, and a table that is copied again beside it.
readonly THREADED=(engine_base_test engine_pipeline_test engine_serve_test engine_cli_test operator_kube_test
  operator_replication_test)
declare -rA THREADED_LIVE=(
  [engine_postgres_snapshot_pgtest]='ASnapshot.*:AStop.*:ASecondEngine.*:ALostConnection.*:ALargeTable.*:LargeObjects.*'
  [engine_postgres_stream_pgtest]='*/AStreamInTrouble.*:*/AStreamOfItsOwnServer.*'
  [engine_postgres_sync_pgtest]='ARecopy.*')

# run_tests PRESET LABELS [ctest arguments...]
run_tests() {
  local preset=$1 labels=$2
  shift 2
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel "$(nproc)" --label-regex "^($labels)\$" "$@"
}

# A filter whose suite was renamed would go on with less and say nothing.
threaded_tests_exist() {
  local test filter
  for test in "${!THREADED_LIVE[@]}"; do
    for filter in ${THREADED_LIVE[$test]//:/ }; do
      [[ -n $("build/tsan/bin/$test" --gtest_list_tests --gtest_filter="$filter") ]] ||
        die "$test has no test that is called $filter: correct THREADED_LIVE"
    done
  done
}

FAILED=()

# suite "what" PRESET LABELS [ctest arguments...]: a failure does not keep later suites from running.
suite() {
  local what=$1 began=$SECONDS
  shift
  say "==> $what"
  run_tests "$@" || FAILED+=("$what")
  say "    done in $((SECONDS - began)) s: $what"
}

# Every suite once, under the sanitizers: they take hardly longer than without. What ships is what the end-to-end tests run.
test_everything() {
  packages
  postgres
  build asan
  suite "unit and PostgreSQL tests, under AddressSanitizer and UndefinedBehaviorSanitizer" asan 'unit|pg'
  build tsan --target "${THREADED[@]}" "${!THREADED_LIVE[@]}"
  suite "threaded parts, under ThreadSanitizer" tsan unit --tests-regex "^($(IFS='|'; echo "${THREADED[*]}"))\$"
  threaded_tests_exist
  GTEST_FILTER=$(IFS=:; echo "${THREADED_LIVE[*]}") suite "copies and streams, under ThreadSanitizer" tsan pg \
    --tests-regex "^($(IFS='|'; echo "${!THREADED_LIVE[*]}"))(_|\$)"
  suite "end-to-end tests" asan e2e
  ((${#FAILED[@]} == 0)) || die "failed: $(printf '%s; ' "${FAILED[@]}")"
}

# test_verb [--label L] [--preset P] [ctest arguments...]
test_verb() {
  local labels='' preset=dev
  if (($# == 0)); then test_everything; return; fi
  while (($#)); do
    case $1 in
      --label) labels=${2:?--label needs unit, pg, nightly or e2e}; shift 2 ;;
      --preset) preset=${2:?--preset needs dev, asan or tsan}; shift 2 ;;
      *) break ;;
    esac
  done
  packages
  if [[ $labels != unit ]]; then postgres; fi
  build "$preset"
  run_tests "$preset" "${labels:-unit|pg}" "$@"
}
