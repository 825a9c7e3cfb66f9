# shellcheck shell=bash
# Rows of "round tool seconds", or of another unit, in, a table out: each tool's median, and the median of the ratios ours/theirs, paired
# round by round, since a shared machine is fast in one minute and slow in the next.

median_of_lines() { sort -g | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

report_ratios() { # FILE OURS GOALS-FILE("tool factor") [UNIT]
  local file=$1 ours=$2 goals=$3 unit=${4:-seconds} tool ratio goal
  printf '| tool | %s (min / median / max) | %s / tool (median of pairs) | goal |\n|---|---|---|---|\n' "$unit" "$ours"
  for tool in $(awk '!seen[$2]++ {print $2}' "$file"); do
    ratio=$(awk -v ours="$ours" -v tool="$tool" '
      $2 == ours {mine[$1] = $3} $2 == tool {theirs[$1] = $3}
      END {for (round in theirs) if (round in mine) print mine[round] / theirs[round]}' "$file" | median_of_lines)
    goal=$(awk -v tool="$tool" '$1 == tool {print "<= " $2}' "$goals")
    printf '| %s | %s / %s / %s | %.2f | %s |\n' "$tool" \
      "$(awk -v t="$tool" '$2 == t {print $3}' "$file" | sort -g | head -n 1)" \
      "$(awk -v t="$tool" '$2 == t {print $3}' "$file" | median_of_lines)" \
      "$(awk -v t="$tool" '$2 == t {print $3}' "$file" | sort -g | tail -n 1)" "$ratio" "$goal"
  done
}
