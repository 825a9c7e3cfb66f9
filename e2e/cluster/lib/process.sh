# shellcheck shell=bash
# A process is known by its boot, its pid and its start time together: a pid alone may by now be somebody else's.

process_identity() {
  local stat rest boot
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -r boot </proc/sys/kernel/random/boot_id
  read -ra rest <<<"${stat##*) }"
  [[ ${rest[0]} != [ZX] ]] || return 1
  echo "$boot $1 ${rest[19]}"
}

# record_process FILE PID: written in one rename, so a reader finds all of it or nothing.
record_process() {
  process_identity "$2" >"$1.new" && mv "$1.new" "$1"
}

# recorded_pid FILE: the pid, if the very process that was recorded still runs.
recorded_pid() {
  local boot pid start
  read -r boot pid start 2>/dev/null <"$1" || return 1
  [[ $(process_identity "$pid") == "$boot $pid $start" ]] && echo "$pid"
}

end_recorded_process() {
  local pid
  pid=$(recorded_pid "$1") || return 0
  kill -KILL "$pid" 2>/dev/null || true
  wait_gone "$1"
}

wait_gone() {
  wait_until 30 "end of the process in $1" process_is_gone "$1"
}

process_is_gone() {
  ! recorded_pid "$1"
}
