#!/usr/bin/env bash
# The API server itself refuses a spec that contradicts itself, and says why: the rules of the CRD that no schema can tell.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

# object MODE < further lines of spec, indented by two
object() {
  cat <<YAML
apiVersion: tributary.dev/v1alpha1
kind: Replication
metadata: {name: ruled}
spec:
  mode: $1
  source: {type: PostgreSQL, secretRef: {name: source}}
  target: {secretRef: {name: target}}
YAML
  cat
}
try() { object "$1" | in_namespace apply --dry-run=server -f - 2>&1; }

# refuses WORDS MODE < spec
refuses() {
  local said
  if said=$(try "$2"); then die "taken, though: $1"; fi
  [[ $said == *"$1"* ]] || die "refused with other words than '$1': $said"
  say "    refused: $1"
}
takes() { # WHAT MODE < spec
  local said
  said=$(try "$2") || die "refused, $1: $said"
  say "    taken: $1"
}

begin
refuses "spec.databases takes include or exclude, not both" Snapshot <<<'  databases: {include: [a], exclude: [b]}'
refuses "spec.tables takes include or exclude, not both" Snapshot <<<'  tables: {include: [a.b], exclude: [b.c]}'
refuses "spec.recopy takes requestID and tables together" SnapshotAndSync <<<'  recopy: {requestID: first}'
refuses "spec.recopy takes requestID and tables together" SnapshotAndSync <<<'  recopy: {tables: [shop.public.t]}'
refuses "spec.recopy is for a stream, which spec.mode does not ask for" Snapshot \
  <<<'  recopy: {requestID: first, tables: [shop.public.t]}'
refuses "a slot is of no use without the rows" Snapshot <<<'  deletion: {targetData: Delete, sourceObjects: Retain}'
refuses "targetData" Snapshot <<<'  deletion: {targetData: Drop}'
takes "both ends retained" Snapshot <<<'  deletion: {targetData: Retain, sourceObjects: Retain}'
refuses "schemaChanges" SnapshotAndSync <<<'  sync: {schemaChanges: Ignore}'
refuses "refreshInterval" SnapshotAndSync <<<'  sync: {refreshInterval: daily}'
refuses "onMismatch" Snapshot <<<'  verify: {onMismatch: Ignore}'
takes "comparisons" Snapshot <<<'  verify: {afterSnapshot: false, schedule: "@daily", requestID: first, onMismatch: Report}'
takes "a request of a stream" Sync <<<'  recopy: {requestID: first, tables: [shop.public.t]}'

# Rules about changes need an object that is there; it never begins, as no Secret is.
object SnapshotAndSync <<'YAML' | in_namespace apply -f - >/dev/null
  snapshot: {requestID: first}
  recopy: {requestID: first, tables: [shop.public.t]}
YAML
refuses "spec.mode cannot be changed" Sync <<<'  snapshot: {requestID: first}'
refuses "spec.snapshot.requestID can be changed but not removed" SnapshotAndSync </dev/null
refuses "spec.recopy.tables can be changed only with another requestID" SnapshotAndSync <<'YAML'
  snapshot: {requestID: first}
  recopy: {requestID: first, tables: [shop.public.other]}
YAML
takes "another request for other tables" SnapshotAndSync <<'YAML'
  snapshot: {requestID: first}
  recopy: {requestID: second, tables: [shop.public.other]}
YAML
takes "no request any more" SnapshotAndSync <<<'  snapshot: {requestID: first}'
