# shellcheck shell=bash
# Keys and certificates of one life of the cluster: its own authority, and a client certificate for every part.

pki=$state/pki

make_authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$name" \
    -addext keyUsage=critical,keyCertSign,digitalSignature -keyout "$pki/ca.key" -out "$pki/ca.crt" 2>>"$pki/openssl.log"
}

# make_certificate NAME SUBJECT [SUBJECT_ALT_NAME]
make_certificate() {
  local file=$pki/$1 subject=$2 names=${3:-}
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "$subject" \
    -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -addext basicConstraints=critical,CA:FALSE \
    -addext extendedKeyUsage=clientAuth,serverAuth ${names:+-addext "subjectAltName=$names"} \
    -keyout "$file.key" -out "$file.crt" 2>>"$pki/openssl.log"
}

# make_kubeconfig FILE CERTIFICATE: complete in one file, so that it can be copied anywhere.
make_kubeconfig() {
  local file=$1 certificate=$pki/$2
  (
    umask 077
    cat >"$file.new" <<YAML
apiVersion: v1
kind: Config
current-context: $context
clusters:
- name: $context
  cluster: {server: "$api_server", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}
users:
- name: $context
  user: {client-certificate-data: $(base64 -w0 "$certificate.crt"), client-key-data: $(base64 -w0 "$certificate.key")}
contexts:
- name: $context
  context: {cluster: $context, user: $context}
YAML
  )
  mv "$file.new" "$file"
}

make_pki() {
  local part
  mkdir -m 700 "$pki"
  make_authority
  make_certificate apiserver /CN=kube-apiserver "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:$node_address,IP:$first_service"
  make_certificate apiserver-kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
  make_certificate admin "/O=system:masters/CN=$name-admin"
  make_certificate kubelet "/O=system:nodes/CN=system:node:$node" "DNS:$node,IP:$node_address"
  for part in kube-controller-manager kube-scheduler kube-proxy coredns; do
    make_certificate "$part" "/CN=system:$part"
  done
  openssl ecparam -name prime256v1 -genkey -noout -out "$pki/service-accounts.key"
  openssl ec -in "$pki/service-accounts.key" -pubout -out "$pki/service-accounts.pub" 2>>"$pki/openssl.log"
  for part in kubelet kube-controller-manager kube-scheduler kube-proxy coredns; do
    make_kubeconfig "$pki/$part.kubeconfig" "$part"
  done
  make_kubeconfig "$kubeconfig" admin
}
