# shellcheck shell=bash disable=SC2034
# Names, places and addresses. Everything of cluster N (TRIBUTARY_CLUSTER_NUMBER, 0 to 15) lies in one state directory, one
# cgroup, one link and one /20 of 198.18.0.0/16, which RFC 2544 sets apart for tests, so that it clashes with nobody's network.

number=${TRIBUTARY_CLUSTER_NUMBER:-0}
[[ $number =~ ^([0-9]|1[0-5])$ ]] || die "TRIBUTARY_CLUSTER_NUMBER is \"$number\": give 0 to 15"

name=tributary-cluster
((number == 0)) || name=tributary-cluster-$number
state=${TRIBUTARY_CLUSTER_DIR:-/var/lib/$name}
context=tributary
node=tributary
kubeconfig=$state/kubeconfig
link=tributary$number

subnet=$((number * 16))
host_address=198.18.$subnet.1
node_address=198.18.$subnet.2
pod_range=198.18.$((subnet + 1)).0/24
service_range=198.18.$((subnet + 2)).0/24
first_service=198.18.$((subnet + 2)).1
api_server=https://$node_address:6443
kubernetes_version=1.34.4
pause_image=localhost/tributary-pause:1

# wait_until SECONDS WHAT COMMAND...: ask until the command succeeds.
wait_until() {
  local seconds=$1 what=$2 deadline
  shift 2
  deadline=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || { say "$what: not within $seconds s"; return 1; }
    sleep 0.1
  done
}
