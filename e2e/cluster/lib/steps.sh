# shellcheck shell=bash
# One line for each step, with its seconds. A failed step prints its name and the end of its output.
# Descriptors 7 and 8 keep the terminal while the output of a step goes to its log.

# step "what it does" COMMAND...: an error inside ends the script, also in a function: nothing here turns errexit off, as
# `if` would.
step() {
  STEP=$1 STEP_BEGAN=$SECONDS STEP_LOG=$(mktemp "${TMPDIR:-/tmp}/understudy-step.XXXXXX")
  trap step_failed EXIT
  printf '  %-60s' "$STEP"
  exec 7>&1 8>&2 >"$STEP_LOG" 2>&1
  "${@:2}"
  exec 1>&7 2>&8 7>&- 8>&-
  trap - EXIT
  printf '%4d s\n' $((SECONDS - STEP_BEGAN))
  rm -f "$STEP_LOG"
}

step_failed() {
  exec 1>&7 2>&8
  printf 'FAILED after %d s\n' $((SECONDS - STEP_BEGAN))
  printf 'error: step "%s" failed; the end of its output (%s):\n' "$STEP" "$STEP_LOG" >&2
  tail -n 40 "$STEP_LOG" | sed 's/^/    /' >&2
  exit 1
}

# attempt "what it does" PROGRAM...: like step, but returns the failure. For programs only, not for functions.
attempt() {
  local began=$SECONDS log
  log=$(mktemp "${TMPDIR:-/tmp}/understudy-step.XXXXXX")
  printf '  %-60s' "$1"
  if "${@:2}" >"$log" 2>&1; then printf '%4d s\n' $((SECONDS - began)); rm -f "$log"; return; fi
  printf 'did not work in %d s: %s\n' $((SECONDS - began)) "$(tail -n 1 "$log")"
  return 1
}

fail() { printf 'error: %s\n' "$1" >&2; shift; if [ $# -gt 0 ]; then printf '%s\n' "$@" >&2; fi; exit 1; }

# await SECONDS "what" COMMAND...: repeats the command until it succeeds, or fails with "what" after SECONDS.
await() {
  local deadline=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ]; then echo "timed out: $what"; return 1; fi
    sleep 0.2
  done
}
