# shellcheck shell=bash disable=SC2034
# The identity of this cluster. Everything that must differ between two checkouts on one machine is derived from the
# checkout's path: name, folders, network and cgroup.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
CLUSTER_ID=${UNDERSTUDY_CLUSTER:-us-$(printf %s "$CHECKOUT" | sha256sum | cut -c1-8)} # set it to end a cluster whose checkout was deleted
[[ $CLUSTER_ID =~ ^us-[0-9a-f]{8}$ ]] || { echo "error: UNDERSTUDY_CLUSTER is \"$CLUSTER_ID\", and must be us- and 8 hex digits" >&2; exit 1; }
CACHE=${UNDERSTUDY_CACHE:-$HOME/.cache/understudy}
OUT=$CHECKOUT/.cluster               # for users of the cluster: kubeconfigs, env, bin
BIN=$OUT/bin                         # links into the cache
RUN=/run/understudy/$CLUSTER_ID      # sockets, process ids, keys, logs; a socket's path must be short
DATA=/var/lib/understudy/$CLUSTER_ID # etcd, images, containers, volumes
PKI=$RUN/pki
NETNS=/run/netns/$CLUSTER_ID
VETH=v-$CLUSTER_ID
CONTAINERD=$RUN/containerd.sock

RANGES=/run/understudy/ranges # one file for each range in use: its name is the number, its content the cluster

# Prints the number N (0..63) of this cluster's address ranges, and reserves one if it has none.
# A range is free if no cluster has reserved it and no route of the machine overlaps it.
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
  echo "all 64 address ranges are in use: see $RANGES, and end unused clusters with make down" >&2
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

# Sets the addresses of range N.
use_range() {
  [ -n "$1" ] || exit 1 # claim_range has printed why
  HOST=10.127.$1.1                   # the machine, as pods see it
  NODE=10.127.$1.2
  PODS=10.$((128 + $1)).0.0/16
  SERVICES=10.$((192 + $1)).0.0/16
  API_SERVICE=10.$((192 + $1)).0.1
  DNS=10.$((192 + $1)).0.10
}
