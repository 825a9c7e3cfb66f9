#!/usr/bin/env bash
# arrows.sh <source root> "<room>>uses,uses>test_uses,test_uses" ...: fails when a file includes a header of a room that
# its own room, or its program, may not use: neither declared by it nor by a room it uses. Tests may include any room
# that their room reaches, and its TEST_USES. Fails too when arrows lead back to where they begin. Also holds the rules
# that no declaration may break: the engine never knows the operator, the operator nothing that moves rows, the pipeline
# no database, and the operator's Kubernetes room none of our kinds.
set -euo pipefail
root=$1
shift
declare -A uses test_uses
rooms=()
for arrow in "$@"; do
  IFS='>' read -r room used used_by_tests <<<"$arrow"
  rooms+=("$room")
  uses[$room]=$used
  test_uses[$room]=$used_by_tests
done

reach() { # all rooms that $1 may include, itself among them
  local -A seen=()
  local queue=("$1") room next
  while ((${#queue[@]})); do
    room=${queue[0]}
    queue=("${queue[@]:1}")
    [[ -n ${seen[$room]:-} ]] && continue
    seen[$room]=1
    IFS=, read -ra next <<<"${uses[$room]:-}"
    ((${#next[@]})) && queue+=("${next[@]}")
  done
  printf '%s\n' "${!seen[@]}"
}

faults=0
complain() {
  echo "$1"
  faults=$((faults + 1))
}

declare -A reached
for room in "${rooms[@]}"; do reached[$room]=$(reach "$room"); done

for room in "${rooms[@]}"; do
  allowed=${reached[$room]}
  for next in ${uses[$room]//,/ }; do
    grep -qx "$room" <<<"${reached[$next]}" && complain "$room uses $next, which leads back to it"
  done
  while IFS=: read -r file include; do
    target=$(sed -E 's/.*"(.*)\/[^/]*".*/\1/' <<<"$include")
    [[ $file == *test.cpp && ,${test_uses[$room]}, == *,$target,* ]] && continue
    grep -qx "$target" <<<"$allowed" || complain "$file includes $target, which $room may not use"
  done < <(grep -HE '^#include "(engine|operator)/' "$root/$room"/*.h "$root/$room"/*.cpp 2>/dev/null | sed -E "s#^$root/##")
  case $room in
    engine/pipeline | engine/model | engine/api | engine/base)
      bad=$(grep -xE 'operator/.*|engine/(postgres|mysql|mongodb|sqlite|cli|serve|verify|cutover)(/.*)?' <<<"$allowed" || true) ;;
    engine | engine/*) bad=$(grep -xE 'operator/.*' <<<"$allowed" || true) ;;
    operator/kube | operator/kube/*) bad=$(grep -xE 'operator/(api|replication)|engine/(api|pipeline|postgres|model)(/.*)?' <<<"$allowed" || true) ;;
    operator | operator/*) bad=$(grep -xE 'engine/(pipeline|postgres|mysql|mongodb|sqlite|cli|verify|cutover)(/.*)?' <<<"$allowed" || true) ;;
    *) bad= ;;
  esac
  [[ -z $bad ]] || complain "$room may never reach: $(tr '\n' ' ' <<<"$bad")"
done
((faults == 0)) && echo "${#rooms[@]} rooms and programs keep to their arrows"
exit $((faults > 0))
