# shellcheck shell=bash
# The node: containerd, kubelet, kube-proxy and CoreDNS.

CTR=("$BIN/ctr" -a "$CONTAINERD" -n k8s.io)

# Pods are connected by routed veth pairs (`ptp`), not by a bridge, so that Services between pods of one node do not need
# the kernel's br_netfilter. The CNI network has the cluster's name, since the CNI library keeps its results by name.
configure_node() {
  mkdir -p "$RUN/cni"
  cat >"$RUN/cni/10-pods.conflist" <<JSON
{"cniVersion":"1.0.0","name":"$CLUSTER_ID","plugins":[
 {"type":"ptp","ipMasq":false,"ipam":{"type":"host-local","dataDir":"$RUN/cni-state",
  "ranges":[[{"subnet":"$PODS"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}
JSON
  cat >"$RUN/containerd.toml" <<TOML
version = 3
root = "$DATA/containerd"
state = "$RUN/containerd"
[grpc]
  address = "$CONTAINERD"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "localhost/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true        # root may lack CAP_SYS_RESOURCE
  netns_mounts_under_state_dir = true  # so that two clusters never share a folder of namespaces
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "$RUN/cni"
  use_internal_loopback = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
TOML
  cat >"$RUN/kubelet.yaml" <<JSON
{"apiVersion":"kubelet.config.k8s.io/v1beta1","kind":"KubeletConfiguration",
 "cgroupDriver":"cgroupfs","cgroupRoot":"/$CLUSTER_ID","failCgroupV1":false,"failSwapOn":false,"makeIPTablesUtilChains":false,
 "authentication":{"x509":{"clientCAFile":"$PKI/ca.crt"},"webhook":{"enabled":true},"anonymous":{"enabled":false}},
 "authorization":{"mode":"Webhook"},"tlsCertFile":"$PKI/kubelet.crt","tlsPrivateKeyFile":"$PKI/kubelet.key",
 "containerRuntimeEndpoint":"unix://$CONTAINERD","podLogsDir":"$DATA/pods",
 "clusterDNS":["$DNS"],"clusterDomain":"cluster.local","resolvConf":"",
 "imageGCHighThresholdPercent":100,
 "evictionHard":{"memory.available":"100Mi","nodefs.available":"1%","imagefs.available":"1%"}}
JSON
  cat >"$RUN/proxy.yaml" <<JSON
{"apiVersion":"kubeproxy.config.k8s.io/v1alpha1","kind":"KubeProxyConfiguration","mode":"nftables","clusterCIDR":"$PODS",
 "hostnameOverride":"$CLUSTER_ID","clientConnection":{"kubeconfig":"$PKI/proxy.conf"},"conntrack":{"maxPerCore":0}}
JSON
  cat >"$RUN/Corefile" <<COREDNS
.:1053 {
  bind $NODE
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $PKI/coredns.conf
    ttl 5
  }
  cache 5
}
COREDNS
}

# The kubelet's cgroup root must exist in every hierarchy. Version 2 must also delegate controllers explicitly.
make_cgroups() {
  local dir
  for dir in $(cgroups); do
    mkdir -p "$dir"
    [ ! -f "$dir/cgroup.subtree_control" ] || delegate_controllers "$dir"
  done
}

delegate_controllers() {
  local controller controllers
  read -r controllers <"$(dirname "$1")/cgroup.controllers"
  for controller in $controllers; do
    echo "+$controller" 2>/dev/null >"$(dirname "$1")/cgroup.subtree_control" || true
    echo "+$controller" 2>/dev/null >"$1/cgroup.subtree_control" || true
  done
}

start_containerd() {
  PATH=$BIN:$PATH part containerd --config="$RUN/containerd.toml"
  await 60 "containerd" "${CTR[@]}" version # the kubelet exits if it finds no runtime at its start
}

start_node() {
  part kubelet --kubeconfig="$PKI/kubelet.conf" --config="$RUN/kubelet.yaml" \
    --root-dir="$DATA/kubelet" --hostname-override="$CLUSTER_ID" --node-ip="$NODE"
  part kube-proxy --config="$RUN/proxy.yaml"
  part coredns -conf "$RUN/Corefile"
}

# The pause image: a static busybox that sleeps.
import_pause() {
  local container mount
  [ -z "$("${CTR[@]}" images ls -q name==localhost/pause:1)" ] || return 0
  container=$(buildah from scratch)
  mount=$(buildah mount "$container")
  install -D "$(command -v busybox)" "$mount/bin/sleep"
  buildah umount "$container"
  buildah config --entrypoint '["/bin/sleep","2147483647"]' "$container"
  rm -f "$RUN/pause.tar"
  buildah commit -q "$container" "docker-archive:$RUN/pause.tar:localhost/pause:1"
  buildah rm "$container"
  "${CTR[@]}" images import "$RUN/pause.tar"
  rm "$RUN/pause.tar"
}
