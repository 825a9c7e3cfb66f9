#!/usr/bin/env bash
# scripts.sh <source root>: every shell script passes shellcheck. A fragment that others source is checked through them,
# where its variables are known; those of ./dev use none but exported ones.
set -euo pipefail
cd "$1"
mapfile -t programs < <(find . -path ./build -prune -o -type f -name '*.sh' -perm -u+x -print)
shellcheck --severity=warning --source-path=SCRIPTDIR --external-sources --check-sourced .ci/run "${programs[@]}"
shellcheck --severity=warning dev scripts/*.sh
# grep -q ends at the first match, what writes to it dies of SIGPIPE, and pipefail makes a failure of the match: now and then.
if grep -rnE '[^|]\|[[:space:]]*grep -[a-zA-Z]*q' .ci dev scripts bench e2e; then
  echo "compare what the command printed, \$(command), instead of a pipe into grep -q"
  exit 1
fi
echo "${#programs[@]} scripts, what they source, and the task runner are clean"
