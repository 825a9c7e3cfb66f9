#!/usr/bin/env bash
# A real Kubernetes on this machine, for tests and the demo: see README.md.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
ROOT=$(dirname "$(dirname "$here")")
# shellcheck source=../../scripts/base.sh
source "$ROOT/scripts/base.sh"
# shellcheck source=lib/settings.sh
source "$here/lib/settings.sh"
# shellcheck source=lib/process.sh
source "$here/lib/process.sh"
# shellcheck source=lib/binary.sh
source "$here/lib/binary.sh"
# shellcheck source=lib/image.sh
source "$here/lib/image.sh"
# shellcheck source=lib/pki.sh
source "$here/lib/pki.sh"
# shellcheck source=lib/config.sh
source "$here/lib/config.sh"
# shellcheck source=lib/life.sh
source "$here/lib/life.sh"

usage() {
  cat >&2 <<TEXT
usage: cluster.sh up               start the cluster, or do nothing where it is up
       cluster.sh down             end it and leave nothing behind
       cluster.sh status           say whether it is up (exit 0) or not (exit 3)
       cluster.sh kubeconfig       print the path of its kubeconfig (context $context)
       cluster.sh address          print the address at which pods reach servers of this machine
       cluster.sh load ARCHIVE     import the images of an OCI or Docker archive
       cluster.sh kubectl ARG...   call its kubectl
       cluster.sh enter COMMAND... run a command where the node runs: its processes, mounts and network
TEXT
  exit 2
}

command=${1:-}
[[ $command ]] || usage
shift
case $command in
  up | down | status) [[ $# == 0 ]] || usage ;;&
  up) cluster_up ;;
  down) cluster_down ;;
  status) cluster_status ;;
  kubeconfig) echo "$kubeconfig" ;;
  address) echo "$host_address" ;;
  load) [[ $# == 1 ]] || usage; load_images "$1" ;;
  kubectl) KUBECONFIG=$kubeconfig exec "$(build_binary)" kubectl "$@" ;;
  enter) [[ $# -gt 0 ]] || usage; enter_machine "$@" ;;
  *) usage ;;
esac
