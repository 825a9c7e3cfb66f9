#!/usr/bin/env bash
# Brings up the test cluster with this tree's image and operator in it. Does nothing twice.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib/cluster.sh
source "$here/lib/cluster.sh"

"$ROOT/e2e/cluster/cluster.sh" up
"$ROOT/scripts/image.sh" load
install_operator
