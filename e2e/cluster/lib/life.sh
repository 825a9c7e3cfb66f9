# shellcheck shell=bash
# Up and down. The node runs in namespaces of its own for processes, mounts and network (lib/machine.sh), so that its end is the
# end of one process: the kernel takes every pod, mount, interface and iptables chain with it. What is left are directories.

needed_commands=(openssl cc ip iptables containerd runc ctr nsenter unshare flock setsid mount sha256sum)
kubernetes_commands=(etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy coredns kubectl)
mark=.tributary-cluster

cluster_up() {
  local binary begin
  require_machine
  binary=$(build_binary)
  begin=$EPOCHREALTIME
  take_lock
  if is_up; then
    say "the cluster is up already; kubeconfig $kubeconfig, context $context"
    return
  fi
  remove_all
  make_state "$binary"
  make_pki
  make_config
  pack_pause_image
  start_machine
  if ! wait_for_cluster; then
    tail -n 3 "$state"/log/*.log >&2
    die "the cluster did not come up: see $state/log, then call cluster.sh down"
  fi
  say "the cluster is up in $(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}') s; kubeconfig $kubeconfig, context $context"
}

cluster_down() {
  [[ $EUID == 0 ]] || die "needs root"
  take_lock
  remove_all
  say "the cluster is down"
}

cluster_status() {
  if is_up; then
    say "the cluster is up; kubeconfig $kubeconfig, context $context; pods reach this machine at $host_address"
    KUBECONFIG=$kubeconfig "$state/bin/kubectl" get nodes,pods --all-namespaces
  else
    say "the cluster is not up"
    return 3
  fi
}

require_machine() {
  local missing=() tool
  [[ $EUID == 0 ]] || die "needs root: a node makes namespaces, mounts and interfaces"
  for tool in "${needed_commands[@]}"; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  [[ -x /usr/lib/cni/bridge ]] || missing+=(/usr/lib/cni/bridge)
  ((${#missing[@]} == 0)) || die "missing: ${missing[*]} (Debian: containerd runc containernetworking-plugins iptables iproute2 openssl gcc libc6-dev util-linux)"
}

# One caller at a time. Children inherit the lock: who kills us does not take it before what we were starting is recorded.
take_lock() {
  exec 9>"$(cache_dir)/$name.lock"
  flock --timeout 120 9 || die "another up or down of $name is under way"
}

start_machine() {
  (
    record_process "$state/machine.process" "$BASHPID"
    exec 8</proc/self/ns/net
    exec setsid unshare --net -- bash "$here/lib/machine.sh" link
  ) </dev/null >>"$state/log/machine.log" 2>&1 &
}

# A directory that the user names is ours if it bears our mark: nothing else is ever removed. The one we name is ours.
make_state() {
  local command
  mkdir -p "$state"
  touch "$state/$mark"
  mkdir -p "$state"/{bin,log,var-lib,tmp}
  ln "$1" "$state/bin/tributary-cluster" 2>/dev/null || cp "$1" "$state/bin/tributary-cluster"
  for command in "${kubernetes_commands[@]}"; do
    ln -s tributary-cluster "$state/bin/$command"
  done
}

remove_state() {
  [[ -d $state ]] || return 0
  find "$state" -xdev -mindepth 1 -maxdepth 1 ! -name "$mark" -exec rm -rf --one-file-system {} +
  rm -f "$state/$mark"
  rmdir "$state"
}

state_is_ours() {
  [[ ! ${TRIBUTARY_CLUSTER_DIR:-} || -e $state/$mark || ! -e $state ]] || rmdir "$state" 2>/dev/null
}

remove_all() {
  state_is_ours || die "$state is not empty and not of this cluster: name another TRIBUTARY_CLUSTER_DIR"
  end_recorded_process "$state/machine.process"
  end_recorded_process "$state/init.process"
  remove_link
  remove_cgroups
  remove_state
}

# The link goes with its network namespace, a moment after the last process.
remove_link() {
  ip link delete "$link" 2>/dev/null || true
  wait_until 10 "end of interface $link" link_is_gone
}

link_is_gone() {
  ! ip link show "$link"
}

cgroup_mounts() {
  awk '{ for (i = 7; $i != "-"; i++); if ($(i + 1) ~ /^cgroup2?$/) print $5 }' /proc/self/mountinfo
}

make_cgroups() {
  local mount
  for mount in $(cgroup_mounts); do mkdir -p "$mount/$name"; done
}

remove_cgroups() {
  local mount
  for mount in $(cgroup_mounts); do
    wait_until 10 "removal of $mount/$name" remove_cgroup "$mount/$name"
  done
}

remove_cgroup() {
  [[ ! -d $1 ]] || find "$1" -depth -type d -exec rmdir {} +
}

ask() {
  "$state/bin/kubectl" --kubeconfig "$kubeconfig" --request-timeout 5s "$@"
}

is_up() {
  recorded_pid "$state/init.process" >/dev/null && node_is_ready && dns_answers && services_are_routed
}

wait_for_cluster() {
  wait_until 60 "API server" ask get --raw /readyz &&
    wait_until 30 "role of CoreDNS" ask apply -f "$config/coredns-role.yaml" &&
    wait_until 60 "node" node_is_ready &&
    wait_until 30 "CoreDNS" dns_answers &&
    wait_until 30 "kube-proxy" services_are_routed &&
    wait_until 30 "default service account" ask get serviceaccount default
}

# Ready, and no taint of its start is left on it.
node_is_ready() {
  [[ $(ask get node "$node" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}{.spec.taints}' 2>/dev/null) == True ]]
}

dns_answers() { http_is_ok "$node_address" 8181 /ready; }
services_are_routed() { http_is_ok "$node_address" 10256 /healthz; }

# http_is_ok ADDRESS PORT PATH
http_is_ok() (
  exec 3<>"/dev/tcp/$1/$2" && printf 'GET %s HTTP/1.0\r\n\r\n' "$3" >&3 && read -r -t 2 status <&3 && [[ $status == *" 200 "* ]]
) 2>/dev/null

enter_machine() {
  local pid
  pid=$(recorded_pid "$state/init.process") || die "the cluster is not up: call cluster.sh up"
  exec nsenter --target "$pid" --mount --net --pid -- env PATH="$state/bin:$PATH" "$@"
}
