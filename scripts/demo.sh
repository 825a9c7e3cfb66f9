#!/usr/bin/env bash
# demo.sh                                            in a cluster of its own on this machine
# demo.sh --context NAME --image IMAGE --source FILE --target FILE
#                                                    in a cluster of yours; the files hold the URIs of two databases
#
# Installs the operator, applies a Replication and shows it until it is Ready. In its own cluster it then writes on the
# source for a while, shows how far the target is behind, and compares both ends.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
for part in base packages postgres servers content deploy; do
  # shellcheck source=/dev/null
  source "scripts/$part.sh"
done
prepare_environment

readonly MAJORS=(17 18) PORTS=(5417 5418) PASSWORD=change-me   # as the samples have it
readonly SNAPSHOT=config/samples/postgresql-snapshot.yaml SYNC=config/samples/postgresql-sync.yaml
readonly WRITE_FOR=15   # seconds
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
  sed -n '/^kind: Replication$/,$s/^/    /p' "$SYNC" >&2
  kube apply -f "$SYNC" >&2
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

# New orders with their lines, older ones that move on, some that are taken back: a transaction each.
write_orders() {
  sql "$(database 0 shop)" -f - >/dev/null <<SQL
SELECT set_config('demo.end', (clock_timestamp() + interval '$WRITE_FOR seconds')::text, false);
DO \$\$
DECLARE new bigint;
BEGIN
  WHILE clock_timestamp() < current_setting('demo.end')::timestamptz LOOP
    INSERT INTO sales.orders (customer, placed) VALUES (1 + floor(random() * 20000), now()) RETURNING id INTO new;
    INSERT INTO sales.order_lines
      SELECT new, n, md5('product ' || 1 + (new + n) % 10000)::uuid, n, 9.99 FROM generate_series(1, 2) n;
    UPDATE sales.orders SET state = 'paid' WHERE id = new - 10;
    DELETE FROM sales.orders WHERE id = new - 20 AND new % 5 = 0;
    COMMIT;
    PERFORM pg_sleep(0.001);
  END LOOP;
END \$\$;
SQL
}

orders() { sql "$(database "$1" shop)" -c 'SELECT count(*) FROM sales.orders'; }

write_and_show_lag() {
  local writer
  write_orders &
  writer=$!
  printf '    %-10s %-10s %s\n' source target 'what kubectl get replications says' >&2
  while kill -0 "$writer" 2>/dev/null; do
    printf '    %-10s %-10s %s\n' "$(orders 0)" "$(orders 1)" "$(kube get replication/shop --no-headers)" >&2
    sleep 2
  done
  wait "$writer"
}

arrived() { [[ $(orders 0) == "$(orders 1)" ]]; }

wait_for_the_rest() {
  local deadline=$((SECONDS + 60))
  until arrived; do
    ((SECONDS < deadline)) || die "the target did not catch up within a minute"
    sleep 0.2
  done
  printf '    %s orders on both ends\n' "$(orders 1)" >&2
}

demo_here() {
  packages
  postgres
  deploy
  step "start a PostgreSQL ${MAJORS[0]} and a PostgreSQL ${MAJORS[1]} beside the cluster" start_servers
  step "fill the source with a shop" fill_source
  step "take back an earlier demo" forget_last_demo
  step "give both servers the names that the sample's Secrets use" name_servers
  step "kubectl apply -f $SYNC" apply_sample
  step "watch it" watch_until_ready
  step "write on the source" write_and_show_lag
  step "wait for the last of it" wait_for_the_rest
  step "compare both ends" compare "$(database 0 shop)" "$(database 1 shop)"
  cat >&2 <<TEXT

PostgreSQL ${MAJORS[1]} has the shop of PostgreSQL ${MAJORS[0]}, and goes on following it. Look around:

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
  sed -n '/^kind: Replication$/,$p' "$SNAPSHOT" |
    sed '1i apiVersion: tributary.dev/v1alpha1' | kube apply -f - >&2
  step "watch it" watch_until_ready
  cat >&2 <<TEXT

The source has been copied. Look around with: ${KUBE[*]} describe replication/shop
Take it away with: ${KUBE[*]} delete replication/shop; kubectl --context $context delete namespace tributary-demo
TEXT
}

if [[ -n $context ]]; then demo_there; else demo_here; fi
