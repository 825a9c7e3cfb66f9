# shellcheck shell=bash
# Compiling, benchmarks and the checks of style.

build_preset() {
  local preset=$1
  shift
  cmake --preset "$preset" >"$ROOT/build/$preset.log" 2>&1 || { cat "$ROOT/build/$preset.log" >&2; return 1; }
  cmake --build "build/$preset" "$@"
}

# build PRESET [cmake --build arguments...]
build() {
  mkdir -p "$ROOT/build"
  step "build preset $1" build_preset "$@"
}

# bench [case [arguments of its run.sh...]]
bench() {
  local name cases=()
  if (($# == 0)); then
    for name in bench/*/run.sh; do cases+=("$(basename "$(dirname "$name")")"); done
  else
    cases=("$1")
    shift
    [[ -x bench/${cases[0]}/run.sh ]] || die "there is no benchmark ${cases[0]}: see bench/"
  fi
  packages
  postgres
  build release --target tributary tributary-operator
  for name in "${cases[@]}"; do step "benchmark $name" "bench/$name/run.sh" "$@"; done
}

# Sources that git knows or would add.
sources() { git ls-files --cached --others --exclude-standard --deduplicate -- "$@"; }

format() {
  local mode=(-i)
  if [[ ${1:-} == --check ]]; then mode=(--dry-run --Werror); fi
  sources 'engine/*.h' 'engine/*.cpp' 'operator/*.h' 'operator/*.cpp' 'charts/*.h' 'charts/*.cpp' 'config/*.h' 'config/*.cpp' | xargs -r clang-format "${mode[@]}"
}

tidy() {
  packages
  build dev
  step "shellcheck" cmake/tests/scripts.sh .
  step "clang-tidy" run-clang-tidy -quiet -p build/dev "$ROOT/(engine|operator|charts|config)/"
}
