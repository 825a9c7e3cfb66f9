#!/usr/bin/env bash
# Proves what README.md says of the cluster, on a cluster of its own number. Needs root and Debian's busybox-static.
set -euo pipefail

export TRIBUTARY_CLUSTER_NUMBER=${TRIBUTARY_CLUSTER_NUMBER:-15}
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
ROOT=$(dirname "$(dirname "$here")")
# shellcheck source=../../scripts/base.sh
source "$ROOT/scripts/base.sh"
# shellcheck source=lib/settings.sh
source "$here/lib/settings.sh"
# shellcheck source=lib/process.sh
source "$here/lib/process.sh"
# shellcheck source=lib/image.sh
source "$here/lib/image.sh"

scratch=$(mktemp -d)
image=localhost/tributary-busybox:test
web_server=
passed=0

cluster() { "$here/cluster.sh" "$@"; }
kubectl() { cluster kubectl "$@"; }

finish() {
  [[ ! $web_server ]] || kill "$web_server" 2>/dev/null || true
  cluster down
  rm -rf "$scratch"
}
trap finish EXIT

# it SENTENCE COMMAND...
it() {
  local sentence=$1
  shift
  if "$@" >"$scratch/output" 2>&1; then
    passed=$((passed + 1))
    echo "ok - $sentence"
  else
    echo "not ok - $sentence"
    sed 's/^/  /' "$scratch/output"
    exit 1
  fi
}

# Everything of the machine that a node could touch.
picture_of_machine() {
  local places
  shopt -s nullglob
  places=({/var/lib,/run,/etc,/opt,/usr/libexec}/*{kube,cni,containerd,netns,tributary}* /sys/fs/cgroup/{,*/}{kube,tributary}*)
  shopt -u nullglob
  {
    printf '%s\n' "${places[@]}"
    ip -br address
    ip route
    iptables-save | sed '/^#/d; s/\[.*\]//'
    awk '$5 !~ "/overlay/[0-9a-f]*/merged$" {print $5}' /proc/self/mountinfo # image builds come and go
    sysctl -a 2>/dev/null | grep -E '^(vm.overcommit_memory|vm.panic_on_oom|kernel.panic|kernel.keys|net.ipv4.ip_forward|net.netfilter.nf_conntrack_max)'
  } | awk -v directory="$name\$" -v link="$link(@| |\$)" '!/tributary(-cluster|[0-9])/ || $0 ~ directory || $0 ~ link' # others may run
}

# Every process below the node's first, with its start time, as this machine sees them.
processes_of_node() {
  local pids=("$(recorded_pid "$state/init.process")") pid i children
  for ((i = 0; i < ${#pids[@]}; i++)); do
    pid=${pids[i]}
    process_identity "$pid" || true
    read -ra children <<<"$(ps -o pid= --ppid "$pid" | tr '\n' ' ')"
    pids+=("${children[@]}")
  done
}

none_is_left_of() {
  local boot pid start
  while read -r boot pid start; do
    [[ $(process_identity "$pid") != "$boot $pid $start" ]] || { ps -fp "$pid"; return 1; }
  done <"$1"
}

machine_is_as_before() { diff "$scratch/before" <(picture_of_machine); }

leaves_nothing() {
  none_is_left_of "$scratch/processes" && machine_is_as_before
}

pack_busybox() {
  mkdir -p "$scratch/root/bin" "$scratch/root/www"
  cp "$(command -v busybox)" "$scratch/root/bin/busybox"
  for applet in sh cat wget httpd dd sleep nslookup; do ln -s busybox "$scratch/root/bin/$applet"; done
  echo "from the pod" >"$scratch/root/www/index.html"
  pack_image "$image" "$scratch/root" "$scratch/busybox.tar"
}

# job NAME COMMAND...: run a command of the image in a Job of one try.
job() {
  local job=$1 args
  shift
  args=$(printf '"%s",' "$@")
  kubectl apply -f - <<YAML
apiVersion: batch/v1
kind: Job
metadata: {name: $job}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: main, image: "$image", command: [${args%,}], resources: {limits: {memory: 32Mi}}}
YAML
}

job_says() {
  local job=$1 text=$2
  kubectl wait --for=condition=Complete --timeout=30s "job/$job" || { kubectl logs "job/$job"; return 1; }
  kubectl logs "job/$job" | grep -F "$text"
}

start_web_pod() {
  kubectl apply -f - <<YAML
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: "$image", command: [httpd, -f, -p, "8080", -h, /www]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
YAML
  kubectl wait --for=condition=Ready --timeout=30s pod/web
}

start_web_server() {
  mkdir "$scratch/www"
  echo "from the machine" >"$scratch/www/index.html"
  busybox httpd -f -p "$(cluster address):8099" -h "$scratch/www" &
  web_server=$!
}

service_answers_here() {
  local address
  address=$(kubectl get service web -o 'jsonpath={.spec.clusterIP}')
  busybox wget -qO- "http://$address/" | grep "from the pod"
}

was_killed_for_memory() {
  kubectl wait --for=condition=Failed --timeout=30s "job/$1"
  [[ $(kubectl get pod -l "job-name=$1" -o 'jsonpath={..terminated.reason} {..terminated.exitCode}') == "OOMKilled 137" ]]
}

service_account_may_not_read_secrets() {
  [[ $(kubectl auth can-i list secrets --as system:serviceaccount:default:default) == no ]]
}

privileged_pod_is_refused() {
  kubectl create namespace strict
  kubectl label namespace strict pod-security.kubernetes.io/enforce=restricted
  ! kubectl run --namespace strict --image "$image" refused
}

up_says() { cluster up 2>&1 | tee /dev/stderr | grep -F "$1"; }

# kill_parts COMMAND...: by name, but in the node's own process namespace.
kill_parts() {
  local part
  for part in "$@"; do cluster enter pkill -KILL -x "$part"; done
}

load_busybox() { pack_busybox && cluster load "$scratch/busybox.tar"; }

unknown_name_does_not_exist() {
  local answer
  answer=$(kubectl exec web -- nslookup no.such.example 2>&1 || true)
  grep -i NXDOMAIN <<<"$answer"
}

foreign_directory_is_refused() {
  ! TRIBUTARY_CLUSTER_DIR=$scratch/foreign cluster up && [[ -e $scratch/foreign/file ]]
}

status_is_down() {
  local code=0
  cluster status || code=$?
  [[ $code == 3 ]]
}

kill_machine() { kill -KILL "$(recorded_pid "$state/machine.process")"; }

up_killed_after() {
  "$here/cluster.sh" up &
  local pid=$!
  sleep "$1"
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" || true
  cluster down && machine_is_as_before
}

cluster down 2>/dev/null
picture_of_machine >"$scratch/before"

it "up brings a node and its DNS" up_says "up in"
grep -o 'up in.*s;' "$scratch/output"
it "a second up changes nothing" up_says "is up already"
it "status says so" cluster status
it "an archive is loaded" load_busybox
it "a Job is applied" job hello sh -c "echo hello from a Job"
it "a Job completes and has logs" job_says hello "hello from a Job"
it "a pod serves behind a Service" start_web_pod
it "a pod is applied that asks the Service by name" job ask wget -qO- http://web/
it "a pod reaches a Service by its DNS name" job_says ask "from the pod"
it "this machine reaches a Service by its address" service_answers_here
it "exec runs in a pod and finds a projected token" kubectl exec web -- cat /var/run/secrets/kubernetes.io/serviceaccount/token
start_web_server
it "a pod is applied that asks this machine" job host wget -qO- http://host.tributary.test:8099/
it "a pod reaches a server of this machine" job_says host "from the machine"
it "a name that does not exist is said not to exist" unknown_name_does_not_exist
it "a Job is applied that needs too much memory" job greedy dd if=/dev/zero of=/dev/null bs=200M count=1
it "it is OOMKilled with 137" was_killed_for_memory greedy
it "RBAC denies what was not granted" service_account_may_not_read_secrets
it "Pod Security admission refuses" privileged_pod_is_refused

processes_of_node >"$scratch/processes"
it "down ends $(wc -l <"$scratch/processes") processes" cluster down
it "down leaves nothing" leaves_nothing
it "status says that it is down" status_is_down

it "up again" cluster up
processes_of_node >"$scratch/processes"
it "kill -9 of API server and kubelet" kill_parts kube-apiserver kubelet
it "down after it" cluster down
it "down after it leaves nothing" leaves_nothing

it "up again" cluster up
processes_of_node >"$scratch/processes"
it "kill -9 of the node's parent" kill_machine
it "up after that crash cleans and starts" up_says "up in"
it "nothing of the crashed node is left" none_is_left_of "$scratch/processes"
it "down" cluster down
mkdir -p "$state/left"
it "down removes what a caller left in the cluster's own directory" cluster down
it "it is gone" machine_is_as_before
mkdir "$scratch/foreign" && touch "$scratch/foreign/file"
it "up refuses a directory that is somebody else's" foreign_directory_is_refused
for seconds in 0.1 0.3 0.6 1 3; do
  it "kill -9 of up after $seconds s, then down, leaves nothing" up_killed_after "$seconds"
done
echo "$passed passed, 0 failed"
