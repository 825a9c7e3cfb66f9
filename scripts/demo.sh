#!/usr/bin/env bash
# demo.sh                                            in a cluster of its own on this machine
# demo.sh --context NAME --image IMAGE --source FILE --target FILE
#                                                    in a cluster of yours; the files hold the URIs of two databases
#
# Installs the operator, applies a Replication and shows it until it is Ready; then compares both ends of its own cluster.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
for part in base packages postgres servers content deploy; do
  # shellcheck source=/dev/null
  source "scripts/$part.sh"
done
prepare_environment

readonly MAJORS=(17 18) PORTS=(5417 5418) PASSWORD=change-me   # as config/samples/postgresql-snapshot.yaml has it
context='' image='' source_file='' target_file=''

usage() {
  die "usage: ./dev demo, or ./dev demo --context NAME --image IMAGE --source FILE --target FILE" \
    "(FILE: a PostgreSQL URI that pods of that cluster can reach; IMAGE: where that cluster pulls Tributary from)"
}

while (($#)); do
  [[ -n ${2:-} ]] || usage
  case $1 in
    --context) context=$2 ;;
    --image) image=$2 ;;
    --source) source_file=$2 ;;
    --target) target_file=$2 ;;
    *) usage ;;
  esac
  shift 2
done

database() { # URI of database $2 on server $1 (0 source, 1 target), for this machine
  echo "postgresql://postgres:$PASSWORD@$NODE:${PORTS[$1]}/$2"
}

fill_source() {
  sql "$(database 0 postgres)" -c 'DROP DATABASE IF EXISTS shop WITH (FORCE)' -c 'CREATE DATABASE shop'
  sql "$(database 0 shop)" -f scripts/demo/shop.sql >/dev/null
  sql "$(database 0 shop)" -c "SELECT '    shop holds ' || pg_size_pretty(pg_database_size('shop'))" >&2
}

start_servers() {
  server_start source "${MAJORS[0]}" "${PORTS[0]}" "$PASSWORD"
  server_start target "${MAJORS[1]}" "${PORTS[1]}" "$PASSWORD"
  NODE=$(node_address)
}

# The names that the sample's Secrets use, pointing at the servers beside the cluster.
name_servers() {
  local i names=(source target)
  for i in 0 1; do
    kube apply -f - >&2 <<YAML
apiVersion: v1
kind: Service
metadata: {name: ${names[i]}-postgresql}
spec: {ports: [{port: 5432, targetPort: ${PORTS[i]}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${names[i]}-postgresql, labels: {kubernetes.io/service-name: ${names[i]}-postgresql}}
addressType: IPv4
ports: [{port: ${PORTS[i]}}]
endpoints: [{addresses: [$NODE]}]
YAML
  done
}

# A demo of before is taken back: its Replication, and what it copied.
forget_last_demo() {
  kube delete replication/shop --ignore-not-found --timeout=120s >&2
  sql "$(database 1 postgres)" -c 'DROP DATABASE IF EXISTS shop WITH (FORCE)'
}

apply_sample() {
  sed -n '/^kind: Replication$/,$s/^/    /p' config/samples/postgresql-snapshot.yaml >&2
  kube apply -f config/samples/postgresql-snapshot.yaml >&2
}

# Shows the object's line at every change until it is Ready.
watch_until_ready() {
  local watch ready=0
  # Not by the function kube: its subshell would be ended and not what it runs.
  "${KUBE[@]}" get replication/shop --watch -o wide >&2 &
  watch=$!
  kube wait --for=condition=Ready --timeout=15m replication/shop >/dev/null || ready=$?
  kill "$watch" 2>/dev/null || true
  wait "$watch" 2>/dev/null || true
  if ((ready != 0)); then
    kube describe replication/shop >&2
    die "the Replication is not Ready"
  fi
}

compare() { # SOURCE_URI TARGET_URI
  local one rows name
  one=$(content sql "$1")
  [[ $one ]] || die "the source has no tables"
  diff <(echo "$one") <(content sql "$2") >&2 || die "the target differs from the source"
  while IFS='|' read -r name rows _; do
    printf '    %8s rows are equal in %s\n' "$rows" "$name" >&2
  done <<<"$one"
}

demo_here() {
  packages
  postgres
  deploy
  step "start a PostgreSQL ${MAJORS[0]} and a PostgreSQL ${MAJORS[1]} beside the cluster" start_servers
  step "fill the source with a shop" fill_source
  step "take back an earlier demo" forget_last_demo
  step "give both servers the names that the sample's Secrets use" name_servers
  step "kubectl apply -f config/samples/postgresql-snapshot.yaml" apply_sample
  step "watch it" watch_until_ready
  step "compare both ends" compare "$(database 0 shop)" "$(database 1 shop)"
  cat >&2 <<TEXT

The shop has been copied from PostgreSQL ${MAJORS[0]} to PostgreSQL ${MAJORS[1]}. Look around:

  export KUBECONFIG=$(cluster kubeconfig)
  ./dev cluster kubectl describe replication/shop
  ./dev cluster kubectl get jobs,pods,events
  $CACHE/postgres/client-$POSTGRES_CLIENT/bin/psql $(database 1 shop)

It all ends, servers included, with: ./dev cluster down
TEXT
}

demo_there() {
  [[ -n $image && -r $source_file && -r $target_file ]] || usage
  command -v kubectl >/dev/null || die "kubectl is missing: install the one that fits cluster $context"
  KUBE=(kubectl --context "$context")
  step "install the operator in context $context" deploy_operator "$image"
  kube create namespace tributary-demo --dry-run=client -o yaml | kube apply -f - >&2
  KUBE+=(--namespace tributary-demo)
  kube create secret generic shop-source --from-file=uri="$source_file" --dry-run=client -o yaml | kube apply -f - >&2
  kube create secret generic shop-target --from-file=uri="$target_file" --dry-run=client -o yaml | kube apply -f - >&2
  sed -n '/^kind: Replication$/,$p' config/samples/postgresql-snapshot.yaml |
    sed '1i apiVersion: tributary.dev/v1alpha1' | kube apply -f - >&2
  step "watch it" watch_until_ready
  cat >&2 <<TEXT

The source has been copied. Look around with: ${KUBE[*]} describe replication/shop
Take it away with: ${KUBE[*]} delete replication/shop; kubectl --context $context delete namespace tributary-demo
TEXT
}

if [[ -n $context ]]; then demo_there; else demo_here; fi
