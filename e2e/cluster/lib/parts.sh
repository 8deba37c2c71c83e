# shellcheck shell=bash
# The parts of the cluster are plain processes. A recorded process id counts only while the command line of that process
# names the cluster's own folder, so no other process is ever stopped.

# part_pid NAME: prints the process id of a running part, or fails.
part_pid() {
  local pid
  pid=$(cat "$RUN/parts/$1.pid" 2>/dev/null) || return 1
  belongs "$pid" || return 1
  echo "$pid"
}

# belongs PID: whether the process was started for this cluster.
belongs() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -e "$RUN/" -e "$DATA/"; }

# part_current NAME: whether the part runs, with the program that this checkout needs now.
part_current() {
  local pid
  pid=$(part_pid "$1") && [ "/proc/$pid/exe" -ef "$BIN/$1" ]
}

# part PROGRAM ARGUMENT...: starts it in the node's network, unless it already runs with the same arguments.
# `ip netns exec` would remount /sys and hide the cgroups from the kubelet, so this is `nsenter`.
part() {
  local name=$1; shift
  local file=$RUN/parts/$name
  mkdir -p "$RUN/parts"
  if part_current "$name" && [ "$(printf '%q ' "$@")" = "$(cat "$file.arguments")" ]; then return; fi
  part_stop "$name"
  printf '%q ' "$@" >"$file.arguments"
  # The process writes its own id before it becomes the part, so it never runs without a record.
  # shellcheck disable=SC2016
  setsid nohup bash -c 'echo $$ >"$0"; exec nsenter --net="$1" "${@:2}"' "$file.pid" "$NETNS" "$BIN/$name" "$@" \
    </dev/null >>"$RUN/log/$name.log" 2>&1 7>&- 8>&- 9>&- &
  await 10 "the start of $name" part_current "$name"
}

# part_stop NAME [SIGNAL]: ends a part and waits for its end.
part_stop() {
  local pid
  pid=$(part_pid "$1") || return 0
  kill -"${2:-KILL}" "$pid" 2>/dev/null || true
  await 30 "the end of $1" gone "$pid"
}

# gone PID: whether the process has ended. A zombie has no command line, so it counts as ended.
gone() { ! belongs "$1"; }

# shims: prints the process ids of the containers' parents. containerd starts them, and they outlive it.
shims() {
  local pid
  for pid in /proc/[0-9]*; do
    tr '\0' ' ' 2>/dev/null <"$pid/cmdline" | grep -q -e "containerd-shim-runc-v2 .*-address $CONTAINERD " || continue
    echo "${pid#/proc/}"
  done
}

# cgroups: the cluster's cgroup in each hierarchy, version 1 or 2.
cgroups() { awk -v id="$CLUSTER_ID" '$3 ~ /^cgroup2?$/ {print $2 "/" id}' /proc/mounts; }

# contained: prints the process ids in the cluster's cgroups, which are those of its pods.
contained() {
  local dir
  for dir in $(cgroups); do
    [ ! -d "$dir" ] || find "$dir" -name cgroup.procs -exec cat {} + 2>/dev/null || true
  done | sort -u
}
