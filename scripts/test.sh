# shellcheck shell=bash
# The suites. Each is a ctest test of label unit (no server), pg (live PostgreSQL) or e2e (a real Kubernetes).

# run_tests PRESET LABELS [ctest arguments...]
run_tests() {
  local preset=$1 labels=$2
  shift 2
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel "$(nproc)" --label-regex "^($labels)\$" "$@"
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

test_everything() {
  packages
  postgres
  build dev
  suite "unit and PostgreSQL tests" dev 'unit|pg'
  suite "end-to-end tests" dev e2e
  ((${#FAILED[@]} == 0)) || die "failed: $(printf '%s; ' "${FAILED[@]}")"
}

# test_verb [--label L] [--preset P] [ctest arguments...]
test_verb() {
  local labels='' preset=dev
  if (($# == 0)); then test_everything; return; fi
  while (($#)); do
    case $1 in
      --label) labels=${2:?--label needs unit, pg or e2e}; shift 2 ;;
      --preset) preset=${2:?--preset needs dev, asan or tsan}; shift 2 ;;
      *) break ;;
    esac
  done
  packages
  if [[ $labels != unit ]]; then postgres; fi
  build "$preset"
  run_tests "$preset" "${labels:-unit|pg}" "$@"
}
