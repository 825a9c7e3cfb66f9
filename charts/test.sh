#!/usr/bin/env bash
# test.sh PROGRAM [argument...]: the program with Helm and promtool in its environment; they come from the cache.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for part in base packages helm promtool; do
  # shellcheck source=/dev/null
  source "$ROOT/scripts/$part.sh"
done
prepare_environment
fetch_helm
fetch_promtool
HELM=$CACHE/helm/$HELM_VERSION/helm PROMTOOL=$CACHE/promtool/promtool exec "$@"
