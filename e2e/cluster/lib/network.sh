# shellcheck shell=bash
# The node's network: one namespace, one veth pair to the machine, and the machine's routes to pods and Services.
# The machine's own addresses, firewall and forwarding stay as they are.

network_up() {
  ip netns add "$CLUSTER_ID"
  ip link add "$VETH" type veth peer name eth0 netns "$CLUSTER_ID"
  ip addr add "$HOST/24" dev "$VETH"
  ip link set "$VETH" up
  ip -n "$CLUSTER_ID" addr add "$NODE/24" dev eth0
  ip -n "$CLUSTER_ID" link set lo up
  ip -n "$CLUSTER_ID" link set eth0 up
  ip -n "$CLUSTER_ID" route add default via "$HOST"
  nsenter --net="$NETNS" sysctl -qw net.ipv4.ip_forward=1
  ip route add "$PODS" via "$NODE"
  ip route add "$SERVICES" via "$NODE"
}

network_down() {
  ip link del "$VETH" 2>/dev/null || true # its routes are removed with it
  ip netns del "$CLUSTER_ID" 2>/dev/null || true
}

# Whether the network is complete, and the running parts are inside it.
network_whole() {
  local file pid
  [ -e "$NETNS" ] && ip -br link show "$VETH" 2>/dev/null | grep -q UP || return 1
  [ -n "$(ip -4 route show "$PODS" via "$NODE")" ] && [ -n "$(ip -4 route show "$SERVICES" via "$NODE")" ] || return 1
  for file in "$RUN"/parts/*.pid; do
    pid=$(part_pid "$(basename "$file" .pid)") || continue
    [ "$(stat -Lc %i "/proc/$pid/ns/net")" = "$(stat -Lc %i "$NETNS")" ] || return 1
  done
}
