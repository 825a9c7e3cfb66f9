#!/usr/bin/env bash
# The chart: its values are checked, it says what config/install says, and confined to one namespace it works there with no
# right anywhere else.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/scenario.sh
source "$(dirname "$0")/../lib/scenario.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/helm.sh
source "$ROOT/scripts/helm.sh"

CHART=$ROOT/charts/tributary
# render RELEASE helm-arguments...
render() { helm template "$1" "$CHART" --namespace "$OPERATOR_NAMESPACE" --kube-version 1.29.0 --set image.tag=dev "${@:2}"; }
rules() { sed -n '/^kind: ClusterRole$/,/^---$/p'; }
# What an operator may do and how its pod looks, whatever its labels.
gist() {
  kubectl create --dry-run=client --validate=false -o 'jsonpath={.kind} {.rules}{.roleRef}{.spec.template.spec}{"\n"}' -f "$@" |
    sed 's/"--log-level=info","--workers=8",\?//; s/,\]/]/' | sort
}
says_no() { [[ $("$@" 2>/dev/null) == no* ]]; }
elsewhere() { kubectl -n "$NAMESPACE-elsewhere" "$@"; }
main_operator() { kubectl -n "$OPERATOR_NAMESPACE" scale deployment/tributary-operator --replicas="$1" >/dev/null; }

# The operator of the other scenarios rests meanwhile.
bring_back_main_operator() {
  helm uninstall confined --namespace "$NAMESPACE" --wait >/dev/null 2>&1 || true
  kubectl delete namespace "$NAMESPACE-elsewhere" --wait=false >/dev/null
  main_operator 1
  kubectl -n "$OPERATOR_NAMESPACE" rollout status --timeout=60s deployment/tributary-operator >&2
}

fetch_helm
begin
helm lint --strict --kube-version 1.29.0 "$CHART" >&2
expect "a value that does not exist is refused" refused "meet the specifications of the schema" render tributary --set no.such=value
expect "a value of the wrong kind is refused" refused "meet the specifications of the schema" render tributary --set watchNamespaces=shop
expect "an access to Secrets that does not exist is refused" refused "meet the specifications of the schema" render tributary --set secretAccess=Some
watching=$(render tributary --set secretAccess=Watch | rules) || die "the chart cannot be rendered with secretAccess=Watch"
without=$(render tributary --set secretAccess=None | rules) || die "the chart cannot be rendered with secretAccess=None"
expect "with access to Secrets a rule names them" grep -q secrets <<<"$watching"
expect "without it no rule names them" test "${without/secrets/}" = "$without"
expect "without it the other rules are there" grep -q replications <<<"$without"
expect "the API server takes everything it renders" \
  kubectl apply --dry-run=server -f <(render new --set crds.enabled=false --set 'watchNamespaces={default}')
diff <(kubectl create --dry-run=client -o 'jsonpath={.spec}' -f "$ROOT/crds") \
  <(render tributary -s templates/crd.yaml | kubectl create --dry-run=client -o 'jsonpath={.spec}' -f -) >&2 || die "the chart's CRD is not that of crds/"
diff <(gist "$ROOT/config/install" | grep -v Namespace) <(render tributary --set crds.enabled=false | gist -) >&2 ||
  die "the chart does not install what config/install does"
say "    the chart installs what config/install does"

start_shop 17
secret source source shop
secret target target shop
AT_END+=(bring_back_main_operator)
main_operator 0
kubectl create namespace "$NAMESPACE-elsewhere" >/dev/null
helm install confined "$CHART" --namespace "$NAMESPACE" --wait --timeout 60s --set image.tag=dev,crds.enabled=false \
  --set "watchNamespaces={$NAMESPACE},secretNames={source,target}" 2>/dev/null >&2
operator=system:serviceaccount:$NAMESPACE:confined-tributary-operator
expect "it may not see Secrets of other namespaces" says_no elsewhere auth can-i list secrets --as "$operator"
expect "it may not see Secrets of all namespaces" says_no kubectl auth can-i list secrets --all-namespaces --as "$operator"
expect "it may see the Secrets that are named" in_namespace auth can-i watch secrets/source --as "$operator" --quiet
expect "it may not see others beside them" says_no in_namespace auth can-i list secrets --as "$operator"
expect "it may write no Secret at all" says_no in_namespace auth can-i update secrets --as "$operator"
replication shop Snapshot </dev/null
elsewhere apply -f "$ROOT/config/samples/postgresql-validate.yaml" >/dev/null
wait_ready shop
expect_equal_content shop
expect "what is elsewhere is not its business" test -z "$(elsewhere get replication shop-check -o 'jsonpath={.status}')"
in_namespace delete replication shop --timeout=60s >&2

helm upgrade confined "$CHART" --namespace "$NAMESPACE" --wait --timeout 60s --reuse-values --set secretAccess=None 2>/dev/null >&2
expect "it may see no Secret any more" says_no in_namespace auth can-i watch secrets/source --as "$operator"
psql_as_superuser target postgres -c "DROP DATABASE shop"
replication check Validate </dev/null
wait_ready check
expect "it says that it does not know the Secrets" reason_is check CredentialsSynced NotWatched
