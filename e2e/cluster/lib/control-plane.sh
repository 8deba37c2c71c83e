# shellcheck shell=bash
# The cluster's keys and its control plane: etcd, kube-apiserver, kube-controller-manager, kube-scheduler.

SERVER=https://$NODE:6443

make_pki() {
  local dir=$PKI.new
  rm -rf "$dir"; make_ca "$dir"
  certificate "$dir" apiserver kube-apiserver kubernetes \
    "IP:127.0.0.1,IP:$NODE,IP:$API_SERVICE,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  certificate "$dir" front-proxy front-proxy kubernetes
  certificate "$dir" admin admin system:masters
  certificate "$dir" kubelet "system:node:$CLUSTER_ID" system:nodes "DNS:$CLUSTER_ID,IP:$NODE"
  certificate "$dir" controller-manager system:kube-controller-manager kubernetes
  certificate "$dir" scheduler system:kube-scheduler kubernetes
  certificate "$dir" proxy system:kube-proxy kubernetes
  certificate "$dir" coredns system:coredns kubernetes
  local user
  for user in admin kubelet controller-manager scheduler proxy coredns; do
    kubeconfig "$dir" "$user" "$SERVER" >"$dir/$user.conf"
  done
  mv "$dir" "$PKI" # whole or not there: a killed run leaves no half of it
}

start_etcd() {
  part etcd --data-dir="$DATA/etcd" --listen-client-urls=http://127.0.0.1:2379 \
    --advertise-client-urls=http://127.0.0.1:2379 --listen-peer-urls=http://127.0.0.1:2380 --unsafe-no-fsync
}

start_apiserver() {
  part kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
    --service-cluster-ip-range="$SERVICES" --advertise-address="$NODE" --secure-port=6443 --allow-privileged=true \
    --client-ca-file="$PKI/ca.crt" --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" \
    --service-account-key-file="$PKI/sa.pub" --service-account-signing-key-file="$PKI/sa.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --kubelet-preferred-address-types=InternalIP --kubelet-certificate-authority="$PKI/ca.crt" \
    --kubelet-client-certificate="$PKI/admin.crt" --kubelet-client-key="$PKI/admin.key" \
    --requestheader-client-ca-file="$PKI/ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- --enable-aggregator-routing=true \
    --proxy-client-cert-file="$PKI/front-proxy.crt" --proxy-client-key-file="$PKI/front-proxy.key"
  await 90 "the API server" "$BIN/kubectl" --kubeconfig="$PKI/admin.conf" get --raw=/readyz
}

start_controllers() {
  part kube-controller-manager --kubeconfig="$PKI/controller-manager.conf" \
    --root-ca-file="$PKI/ca.crt" --service-account-private-key-file="$PKI/sa.key" \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
    --use-service-account-credentials=true --leader-elect=false
  part kube-scheduler --kubeconfig="$PKI/scheduler.conf" --leader-elect=false
}
