# shellcheck shell=bash
# The parts of the cluster are plain processes. Each is known by its recorded process id, and believed only while
# that process's command line names the cluster's own folder: no process of anybody else is ever touched.

# part_pid NAME: prints the process id of a part that runs; fails otherwise.
part_pid() {
  local pid
  pid=$(cat "$RUN/parts/$1.pid" 2>/dev/null) || return 1
  belongs "$pid" || return 1
  echo "$pid"
}

# belongs PID: whether the process was started for this cluster.
belongs() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -e "$RUN/" -e "$DATA/"; }

# part_current NAME: whether the part runs, and from the program that this checkout wants now.
part_current() {
  local pid
  pid=$(part_pid "$1") && [ "/proc/$pid/exe" -ef "$BIN/$1" ]
}

# part PROGRAM ARGUMENT...: starts it in the node's network, unless it runs already in just this way.
# `nsenter`, not `ip netns exec`: that one remounts /sys and hides the cgroups from the kubelet.
part() {
  local name=$1; shift
  local file=$RUN/parts/$name
  mkdir -p "$RUN/parts"
  if part_current "$name" && [ "$(printf '%q ' "$@")" = "$(cat "$file.arguments")" ]; then return; fi
  part_stop "$name"
  printf '%q ' "$@" >"$file.arguments"
  # The process writes its own id before it becomes the part: there is no moment when it runs unrecorded.
  # shellcheck disable=SC2016
  setsid nohup bash -c 'echo $$ >"$0"; exec nsenter --net="$1" "${@:2}"' "$file.pid" "$NETNS" "$BIN/$name" "$@" \
    </dev/null >>"$RUN/log/$name.log" 2>&1 7>&- 8>&- 9>&- &
  await 10 "the start of $name" part_current "$name"
}

# part_stop NAME [SIGNAL]: ends a part and waits until it is gone.
part_stop() {
  local pid
  pid=$(part_pid "$1") || return 0
  kill -"${2:-KILL}" "$pid" 2>/dev/null || true
  await 30 "the end of $1" gone "$pid"
}

# gone PID: a zombie has no command line, so it counts as gone.
gone() { ! belongs "$1"; }

# shims: process ids of the containers' parents. containerd starts them, and they outlive it.
shims() {
  local pid
  for pid in /proc/[0-9]*; do
    tr '\0' ' ' 2>/dev/null <"$pid/cmdline" | grep -q -e "containerd-shim-runc-v2 .*-address $CONTAINERD " || continue
    echo "${pid#/proc/}"
  done
}

# cgroups: the cluster's cgroup in each hierarchy, version 1 or 2.
cgroups() { awk -v id="$CLUSTER_ID" '$3 ~ /^cgroup2?$/ {print $2 "/" id}' /proc/mounts; }

# contained: process ids of everything in the cluster's cgroups, that is its pods.
contained() {
  local dir
  for dir in $(cgroups); do
    [ ! -d "$dir" ] || find "$dir" -name cgroup.procs -exec cat {} + 2>/dev/null || true
  done | sort -u
}
