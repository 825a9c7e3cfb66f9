# shellcheck shell=bash
# Images without a registry: made here from one directory, imported from an archive.

# pack_image NAME DIRECTORY ARCHIVE [ENTRYPOINT_JSON]: one directory as an image of one layer, in Docker's archive format.
pack_image() {
  local image=$1 root=$2 archive=$3 entrypoint=${4:-null} work digest
  work=$(mktemp -d)
  tar -C "$root" --owner=0 --group=0 --numeric-owner --sort=name --mtime=@0 -cf "$work/layer.tar" .
  digest=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
  cat >"$work/config.json" <<JSON
{"architecture": "$(dpkg --print-architecture)", "os": "linux", "config": {"Entrypoint": $entrypoint, "Env": ["PATH=/bin"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$digest"]}}
JSON
  echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$image\"], \"Layers\": [\"layer.tar\"]}]" >"$work/manifest.json"
  tar -C "$work" -cf "$archive" manifest.json config.json layer.tar
  rm -r "$work"
}

pack_pause_image() {
  local root=$state/pause
  mkdir -p "$root"
  cc -static -Os -s -o "$root/pause" "$here/pause.c"
  pack_image "$pause_image" "$root" "$state/pause.tar" '["/pause"]'
}

load_images() {
  [[ -r $1 ]] || die "no archive $1"
  enter_machine ctr -n k8s.io images import - <"$1" >&2
}
