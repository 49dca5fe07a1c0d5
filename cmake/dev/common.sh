# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What every command of ./dev shares. Sourced, never run.

# shellcheck disable=SC2034  # read by the files that source this one
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly ROOT
cd "$ROOT" || exit 1

say() { printf '==> %s\n' "$*" >&2; }

die() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}

usage_error() {
  printf 'dev: %s\n' "$*" >&2
  exit 2
}

# Compilers at once: one per processor, but each may need 1.5 GB (gRPC's headers under a sanitizer).
jobs_count() {
  local by_memory by_cpu
  by_cpu=$(nproc)
  by_memory=$(awk '/^MemAvailable:/ {print int($2 / 1572864)}' /proc/meminfo 2>/dev/null || echo 1)
  [[ ${by_memory:-0} -ge 1 ]] || by_memory=1
  echo "${TOKENSVC_JOBS:-$((by_cpu < by_memory ? by_cpu : by_memory))}"
}

# Seconds as people read them: 75 -> 1m15s.
human_seconds() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

# wait_for_file FILE SECONDS PID: until FILE is there and not empty; fails early when PID has ended.
wait_for_file() {
  local file=$1 deadline=$((SECONDS + $2)) pid=$3
  until [[ -s $file ]]; do
    kill -0 "$pid" 2>/dev/null || return 1
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# stop_process PID: asks, waits up to five seconds, then kills. Only for processes that we started.
stop_process() {
  local pid=$1 tries
  kill -TERM "$pid" 2>/dev/null || return 0
  for ((tries = 0; tries < 100; tries++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}
