# shellcheck shell=bash
# etcd and a kube-apiserver of e2e/cluster's binary, and nothing else of a Kubernetes: Jobs are only objects then. Sourced by
# bench/operator/run.sh in namespaces of its own, whose loopback is all the network there is.

here=$ROOT/e2e/cluster
TRIBUTARY_CLUSTER_DIR=$BENCH_DIR/cluster
# shellcheck source=e2e/cluster/lib/settings.sh
. "$here/lib/settings.sh"
# shellcheck source=e2e/cluster/lib/pki.sh
. "$here/lib/pki.sh"

readonly AUDIT=$state/audit.log

# Nobody makes service accounts here, which pods would wait for.
start_control_plane() { # BINARY
  mkdir -p "$pki" "$state/log"
  make_authority
  make_certificate apiserver /CN=kube-apiserver "DNS:localhost,IP:$node_address"
  make_certificate admin "/O=system:masters/CN=bench"
  make_kubeconfig "$kubeconfig" admin
  openssl ecparam -name prime256v1 -genkey -noout -out "$pki/service-accounts.key"
  openssl ec -in "$pki/service-accounts.key" -pubout -out "$pki/service-accounts.pub" 2>>"$pki/openssl.log"
  ip link set lo up
  ip address add "$node_address/32" dev lo
  "$1" etcd --data-dir "$state/etcd" --unsafe-no-fsync --log-level warn --quota-backend-bytes $((8 << 30)) \
    >"$state/log/etcd.log" 2>&1 &
  "$1" kube-apiserver --advertise-address "$node_address" --bind-address "$node_address" --secure-port 6443 \
    --etcd-servers http://127.0.0.1:2379 --service-cluster-ip-range "$service_range" \
    --client-ca-file "$pki/ca.crt" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$pki/service-accounts.pub" --service-account-signing-key-file "$pki/service-accounts.key" \
    --authorization-mode RBAC --disable-admission-plugins ServiceAccount \
    --audit-policy-file "$ROOT/bench/operator/audit.yaml" --audit-log-path "$AUDIT" --audit-log-mode batch \
    --audit-log-batch-buffer-size 100000 >"$state/log/apiserver.log" 2>&1 &
  wait_until 60 "API server" "$1" kubectl --kubeconfig "$kubeconfig" get --raw /readyz ||
    { tail -n 5 "$state"/log/*.log >&2; die "the API server did not come up"; }
  "$1" kubectl --kubeconfig "$kubeconfig" apply -f "$ROOT/crds" >&2
  "$1" kubectl --kubeconfig "$kubeconfig" wait --for condition=Established --timeout 30s crd/replications.tributary.dev >&2
}
