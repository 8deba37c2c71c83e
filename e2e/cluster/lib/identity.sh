# shellcheck shell=bash disable=SC2034
# Who this cluster is. Everything that has to differ between two checkouts on one machine is derived here,
# from the checkout's path: a name, folders, a network of its own and a cgroup.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
CLUSTER_ID=${UNDERSTUDY_CLUSTER:-us-$(printf %s "$CHECKOUT" | sha256sum | cut -c1-8)} # named: to end one whose checkout is gone
[[ $CLUSTER_ID =~ ^us-[0-9a-f]{8}$ ]] || { echo "error: UNDERSTUDY_CLUSTER is \"$CLUSTER_ID\", not us- and 8 hex digits" >&2; exit 1; }
CACHE=${UNDERSTUDY_CACHE:-$HOME/.cache/understudy}
OUT=$CHECKOUT/.cluster               # what the user of the cluster needs: kubeconfigs, env, bin
BIN=$OUT/bin                         # links into the cache
RUN=/run/understudy/$CLUSTER_ID      # sockets, process ids, keys, logs: short, since a socket's path is limited
DATA=/var/lib/understudy/$CLUSTER_ID # etcd, images, containers, volumes
PKI=$RUN/pki
NETNS=/run/netns/$CLUSTER_ID
VETH=v-$CLUSTER_ID
CONTAINERD=$RUN/containerd.sock

RANGES=/run/understudy/ranges # one file a claimed range: its name is the number, its content the cluster

# The number N (0..63) of this cluster's address ranges, claimed for it when it has none.
# A range counts as free when no cluster claims it and no route of the machine touches it.
claim_range() {
  local n first mine
  mkdir -p "$RANGES"
  mine=$(grep -lxF "$CLUSTER_ID" "$RANGES"/* 2>/dev/null | head -1) || true
  if [ -n "$mine" ]; then basename "$mine"; return; fi
  first=$((16#${CLUSTER_ID:3} % 64))
  for n in $(seq "$first" 63) $(seq 0 $((first - 1))); do
    range_meets_route "$n" && continue
    if (set -o noclobber; echo "$CLUSTER_ID" >"$RANGES/$n") 2>/dev/null; then echo "$n"; return; fi
  done
  echo "all 64 address ranges are taken: see $RANGES, and end clusters that are not needed by make down" >&2
  return 1
}

release_range() {
  grep -lxF "$CLUSTER_ID" "$RANGES"/* 2>/dev/null | xargs -r rm -f
}

range_meets_route() {
  local net
  for net in "10.127.$1.0/24" "10.$((128 + $1)).0.0/16" "10.$((192 + $1)).0.0/16"; do
    [ -z "$(ip -4 route show root "$net")" ] || return 0
    ip -4 route show match "$net" | grep -qv '^default' && return 0
  done
  return 1
}

# Sets the addresses that belong to range N.
use_range() {
  [ -n "$1" ] || exit 1 # claim_range has said why
  HOST=10.127.$1.1                   # the machine, as the pods see it
  NODE=10.127.$1.2
  PODS=10.$((128 + $1)).0.0/16
  SERVICES=10.$((192 + $1)).0.0/16
  API_SERVICE=10.$((192 + $1)).0.1
  DNS=10.$((192 + $1)).0.10
}
