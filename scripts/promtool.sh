# shellcheck shell=bash
# Promtool, which tests the chart's alerts: out of Debian's package, whose server is not installed. After packages.sh.

promtool_fill() {
  local folder=$CACHE/promtool stage
  [[ ! -x $folder/promtool ]] || return 0
  command -v apt-get >/dev/null || die "this is not Debian: put promtool into $folder"
  mkdir -p "$folder"
  stage=$(mktemp -d "$folder/.stage.XXXXXX")
  # Lists that are old name files that the mirror has no more.
  (cd "$stage" && { apt-get -q download prometheus || { as_root apt-get -q update && apt-get -q download prometheus; }; } &&
    dpkg-deb --extract prometheus_*.deb .) >&2
  mv "$stage/usr/bin/promtool" "$folder/promtool"
  rm -rf "$stage"
}

fetch_promtool() { with_lock promtool promtool_fill; }
