#!/usr/bin/env bash
# What keeps the engine's pod from running is in the condition within seconds: image, quota, scheduling, missing key.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"

begin
start_shop 17
secret source source shop
secret target target shop

# Two onto one target would be a conflict.
gone() { in_namespace delete replication "$1" --timeout=60s >/dev/null; }

# told NAME TYPE REASON WORD: what the condition says
told() { reason_is "$1" "$2" "$3" && condition_says "$1" "$2" "$4"; }

replication unknown-image Snapshot <<YAML
  template: {image: "localhost/no-such:1"}
YAML
wait_until 30 "Ready names the image" told unknown-image Ready ImagePullBackOff "localhost/no-such:1"
gone unknown-image

replication placeless Snapshot <<YAML
  template: {nodeSelector: {no-such-label: here}}
YAML
wait_until 30 "Ready says that the pod finds no node" told placeless Ready Unschedulable "node affinity"
gone placeless

in_namespace create secret generic incomplete --from-literal=password=x >/dev/null
replication keyless Snapshot incomplete </dev/null
wait_until 60 "Stalled names the missing key" condition_says keyless Stalled "host"
gone keyless

# One value, which no engine can hold within the limit.
psql_as_superuser source postgres -c "CREATE DATABASE hoard"
psql_as_superuser source hoard -c "CREATE TABLE large AS SELECT repeat('x', 200000000) AS value"
secret hoard source hoard
replication greedy Snapshot hoard <<YAML
  template: {resources: {requests: {memory: 64Mi}, limits: {memory: 64Mi}}}
YAML
wait_until 90 "Ready names the limit of memory" told greedy Ready OOMKilled "spec.template.resources.limits.memory"
gone greedy

in_namespace create quota no-pods --hard=pods=0 >/dev/null
replication crowded Snapshot </dev/null
wait_until 30 "Ready names the quota" told crowded Ready QuotaExceeded "no-pods"
