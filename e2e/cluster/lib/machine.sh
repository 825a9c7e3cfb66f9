#!/usr/bin/env bash
# The node, as two stages of one process: "link" in a new network namespace ties it to this machine by a pair of interfaces;
# "init", process 1 of new process and mount namespaces, hides what it must not touch and runs Kubernetes.
set -euo pipefail

here=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
ROOT=$(dirname "$(dirname "$here")")
# shellcheck source=../../../scripts/base.sh
source "$ROOT/scripts/base.sh"
# shellcheck source=settings.sh
source "$here/lib/settings.sh"
# shellcheck source=process.sh
source "$here/lib/process.sh"
# shellcheck source=pki.sh
source "$here/lib/pki.sh"
# shellcheck source=config.sh
source "$here/lib/config.sh"
# shellcheck source=life.sh
source "$here/lib/life.sh"

# Descriptor 8 is the network namespace of this machine. Pods and Services are routed from here, so tests may call them directly.
tie_link() {
  local host=(nsenter --net=/proc/self/fd/8 ip)
  ip link set lo up
  ip link add eth0 type veth peer name "$link" netns "/proc/$$/fd/8"
  ip address add "$node_address/30" dev eth0
  ip link set eth0 up
  "${host[@]}" address add "$host_address/30" dev "$link"
  "${host[@]}" link set "$link" up
  "${host[@]}" route add "$pod_range" via "$node_address"
  "${host[@]}" route add "$service_range" via "$node_address"
  # A Service address needs a route before iptables rewrites it. This bridge has no ports: no packet is ever sent.
  ip link add services type bridge
  ip link set services up
  ip route add "$service_range" dev services
  echo 1 >/proc/sys/net/ipv4/ip_forward
}

# Kubernetes writes to places with fixed names. Here they are directories of the state; the state keeps its own path.
hide_machine() {
  cd "$state"
  mount --no-canonicalize --bind ./var-lib /var/lib
  mount --no-canonicalize --bind ./log /var/log
  mount -t tmpfs tmpfs /run
  if [[ ! -d $config ]]; then
    mkdir -p "$state"
    mount --no-canonicalize --bind . "$state"
  fi
  cd "$state"
  mount -t proc proc /proc
  hide_sysctls
  mount --make-rshared /
}

# The kubelet sets these for the whole machine. It finds them as it wants them.
hide_sysctls() {
  local key
  while IFS='=' read -r key value; do
    echo "$value" >"/run/${key////.}"
    mount --bind "/run/${key////.}" "/proc/sys/$key"
  done <<'SYSCTLS'
vm/overcommit_memory=1
vm/panic_on_oom=0
kernel/panic=10
kernel/panic_on_oops=1
kernel/keys/root_maxkeys=1000000
kernel/keys/root_maxbytes=25000000
SYSCTLS
}

# run COMMAND ARG...: keep a part running, as an init system would.
run() {
  local part=$1
  while :; do
    "$@" >>"/var/log/$part.log" 2>&1 || echo "$part ended with $?: starting it again" >&2
    sleep 1
  done &
}

run_control_plane() {
  run etcd --data-dir /var/lib/etcd --unsafe-no-fsync --log-level warn
  run kube-apiserver --advertise-address "$node_address" --bind-address "$node_address" --secure-port 6443 \
    --etcd-servers http://127.0.0.1:2379 --service-cluster-ip-range "$service_range" --allow-privileged \
    --client-ca-file "$pki/ca.crt" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --kubelet-certificate-authority "$pki/ca.crt" --kubelet-preferred-address-types InternalIP \
    --kubelet-client-certificate "$pki/apiserver-kubelet-client.crt" --kubelet-client-key "$pki/apiserver-kubelet-client.key" \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$pki/service-accounts.pub" --service-account-signing-key-file "$pki/service-accounts.key" \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction
  wait_until 60 "API server" ask get --raw /readyz
  run kube-controller-manager --kubeconfig "$pki/kube-controller-manager.kubeconfig" --bind-address 127.0.0.1 \
    --use-service-account-credentials --root-ca-file "$pki/ca.crt" --leader-elect=false \
    --service-account-private-key-file "$pki/service-accounts.key"
  run kube-scheduler --kubeconfig "$pki/kube-scheduler.kubeconfig" --bind-address 127.0.0.1 --leader-elect=false
}

run_container_runtime() {
  run containerd --config "$config/containerd.toml"
  wait_until 30 "containerd" ctr version
  ctr -n k8s.io images import "$state/pause.tar"
}

run_node() {
  run kubelet --config "$config/kubelet.yaml" --kubeconfig "$pki/kubelet.kubeconfig" --hostname-override "$node" --node-ip "$node_address"
  run kube-proxy --config "$config/kube-proxy.yaml"
  run coredns -conf "$config/Corefile"
}

case $1 in
  link)
    tie_link
    exec 8<&- 9>&-
    exec unshare --mount --pid --fork --kill-child -- bash "${BASH_SOURCE[0]}" init
    ;;
  init)
    read -r pid _ </proc/self/stat
    record_process "$state/init.process" "$pid"
    hide_machine
    make_cgroups
    export PATH=$state/bin:$PATH TMPDIR=$state/tmp
    run_container_runtime
    run_control_plane
    run_node
    wait
    ;;
esac
