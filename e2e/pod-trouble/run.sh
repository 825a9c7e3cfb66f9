#!/usr/bin/env bash
# What keeps the engine's pod from running is in the condition within seconds: image, quota, scheduling, missing key.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_server source 17
start_server target 17
psql_as_superuser source postgres -c "CREATE DATABASE shop"
secret source source shop
secret target target shop

replication image Snapshot <<YAML
  template: {image: "localhost/no-such-image:1"}
YAML
wait_until 30 "Ready names the image" condition_says image Ready "localhost/no-such-image:1"

replication placed Snapshot <<YAML
  template: {nodeSelector: {no-such-label: here}}
YAML
wait_until 30 "Ready says that the pod cannot be scheduled" condition_says placed Ready "node"

in_namespace create secret generic incomplete --from-literal=password=x >/dev/null
in_namespace apply -f - >/dev/null <<YAML
apiVersion: tributary.dev/v1alpha1
kind: Replication
metadata: {name: incomplete}
spec:
  mode: Snapshot
  source: {type: PostgreSQL, secretRef: {name: incomplete}}
  target: {secretRef: {name: target}}
YAML
wait_until 60 "Stalled names the missing key" condition_says incomplete Stalled "host"

in_namespace create quota none --hard=pods=0 >/dev/null
replication quota Snapshot </dev/null
wait_until 30 "Ready names the quota" condition_says quota Ready "quota"
