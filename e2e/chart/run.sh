#!/usr/bin/env bash
# The chart: a real API server takes what it renders, an older release is upgraded under a running stream, `helm test` tells an
# operator that works from one that does not, and confined to one namespace it works there with no right anywhere else. What
# can be told from the text alone is told without a cluster: charts/.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/stream.sh
source "$(dirname "$0")/../lib/stream.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/helm.sh
source "$ROOT/scripts/helm.sh"

CHART=$ROOT/charts/tributary
# render RELEASE helm-arguments...
render() { helm template "$1" "$CHART" --namespace "$OPERATOR_NAMESPACE" --kube-version 1.29.0 --set image.tag=dev "${@:2}"; }
says_no() { [[ $("$@" 2>/dev/null) == no* ]]; }
elsewhere() { kubectl -n "$NAMESPACE-elsewhere" "$@"; }
main_operator() { kubectl -n "$OPERATOR_NAMESPACE" scale deployment/tributary-operator --replicas="$1" >/dev/null; }
confined() { in_namespace get deployment confined-tributary-operator -o "jsonpath=$1"; }
confined_is() { [[ $(confined "$1") == "$2" ]]; }
key() { in_namespace get secret confined-tributary-operator-release -o 'jsonpath={.data}'; }
leader() { in_namespace get lease confined-tributary-operator -o 'jsonpath={.spec.holderIdentity}'; }
one_leads() { [[ $(leader) == confined-tributary-operator-* ]]; }
another_leads() { one_leads && [[ $(leader) != "$1" ]]; }
no_operator_is_left() {
  local pods
  pods=$(in_namespace get pods -o name) && [[ $pods != */confined-* ]]
}
stream_pod() { in_namespace get pods -o name --field-selector=status.phase=Running | grep -e -sync-; }
helm_test() { helm test confined --namespace "$NAMESPACE" --timeout "$1" 2>&1; }
no_test_is_left() { [[ -z $(in_namespace get replication confined-tributary-operator-test --ignore-not-found -o name) ]]; }
# install|upgrade CHART helm-arguments...: the release `confined`, once it is ready
confine() { helm "$1" confined "$2" --namespace "$NAMESPACE" --wait --timeout 120s "${@:3}" 2>/dev/null >&2; }

# The operator of the other scenarios rests meanwhile.
bring_back_main_operator() {
  helm uninstall confined --namespace "$NAMESPACE" --wait >/dev/null 2>&1 || true
  kubectl delete namespace "$NAMESPACE-elsewhere" --wait=false >/dev/null
  main_operator 2
  kubectl -n "$OPERATOR_NAMESPACE" rollout status --timeout=60s deployment/tributary-operator >&2
}

# As it was before leader election, two replicas and all values that came with these.
fetch_older_chart() {
  mkdir -p "$SCENARIO_DIR/charts/tributary"
  tar -xzf "$ROOT/e2e/chart/older.tgz" -C "$SCENARIO_DIR/charts/tributary"
}

expect_confined() {
  local operator=system:serviceaccount:$NAMESPACE:confined-tributary-operator
  expect "it may not see Secrets of other namespaces" says_no elsewhere auth can-i list secrets --as "$operator"
  expect "it may not see Secrets of all namespaces" says_no kubectl auth can-i list secrets --all-namespaces --as "$operator"
  expect "it may see the Secrets that are named" in_namespace auth can-i watch secrets/source --as "$operator" --quiet
  expect "it may not see others beside them" says_no in_namespace auth can-i list secrets --as "$operator"
  expect "it may write no Secret at all" says_no in_namespace auth can-i update secrets --as "$operator"
  expect "it may renew its Lease" in_namespace auth can-i update leases/confined-tributary-operator --as "$operator" --quiet
  expect "it may renew no other" says_no in_namespace auth can-i update leases/other --as "$operator"
  expect "it may not take a Lease elsewhere" says_no elsewhere auth can-i create leases --as "$operator"
}

fetch_helm
begin
helm lint --strict --kube-version 1.29.0 "$CHART" >&2
expect "the API server takes everything it renders" \
  kubectl apply --dry-run=server -f <(render new --set crds.enabled=false --set 'watchNamespaces={default}' \
    --set networkPolicy.operator.enabled=true,networkPolicy.engines.enabled=true,metrics.dashboard.enabled=true)
expect "and its CRD" kubectl apply --dry-run=server --server-side --force-conflicts -f <(render new -s templates/crd.yaml)

AT_END+=(bring_back_main_operator)
main_operator 0
kubectl create namespace "$NAMESPACE-elsewhere" >/dev/null
fetch_older_chart
confine install "$SCENARIO_DIR/charts/tributary" --set image.tag=dev,crds.enabled=false \
  --set "watchNamespaces={$NAMESPACE},secretNames={source,target}"
start_stream 17 </dev/null
engine=$(stream_pod)
held=$(key)
expect "values of the older chart lack what this one needs, and it says so" \
  refused "missing properties" helm upgrade confined "$CHART" --namespace "$NAMESPACE" --reuse-values
confine upgrade "$CHART" --reset-then-reuse-values
wait_until 30 "two operators are ready" confined_is '{.status.readyReplicas}' 2
wait_until 30 "one of them leads" one_leads
expect "the key is the one of before" test "$(key)" = "$held"
expect "the stream's pod is the one of before" test "$(stream_pod)" = "$engine"
wait_until 30 "what is written on the source is on the target" arrived "$(mark)"
in_namespace patch replication shop --type=merge -p '{"spec":{"sync":{"maxLag":"2m"}}}' >/dev/null
wait_until 30 "the newer operator looks at it" status_is shop .observedGeneration 2
wait_ready shop 60
expect_confined
elsewhere apply -f "$ROOT/config/samples/postgresql-validate.yaml" >/dev/null

expect "helm test finds an operator that works" helm_test 60s >/dev/null
expect "it leaves nothing behind" no_test_is_left
first=$(leader)
in_namespace delete pod "${first%%_*}" --grace-period=0 --force >/dev/null 2>&1
wait_until 40 "the other one leads" another_leads "$first"
expect "helm test finds it working" helm_test 60s >/dev/null
in_namespace scale deployment confined-tributary-operator --replicas=0 >/dev/null
wait_until 60 "no operator is there" no_operator_is_left
expect "helm test does not pass without one" refused "deadline exceeded" helm_test 5s
in_namespace scale deployment confined-tributary-operator --replicas=1 >/dev/null
wait_until 60 "its Replication goes when one is there" no_test_is_left
in_namespace delete replication shop --timeout=120s >&2
expect "no slot is left" no_slots
expect "what is elsewhere is not its business" \
  test "$(elsewhere get replication shop-check -o 'jsonpath={.status}')" = '{"observedGeneration":-1}'

confine upgrade "$CHART" --reset-then-reuse-values --set secretAccess=None,replicas=1,leaderElection.enabled=false
expect "it may see no Secret any more" says_no in_namespace auth can-i watch secrets/source \
  --as "system:serviceaccount:$NAMESPACE:confined-tributary-operator"
psql_as_superuser target postgres -c "DROP DATABASE shop"
replication check Validate </dev/null
wait_ready check
expect "it says that it does not know the Secrets" reason_is check CredentialsSynced NotWatched
