# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # the lists are read by the other parts
# Debian packages that each command needs, and their installation. Sourced, never run.

BUILD_PACKAGES=(
  g++ cmake ninja-build ccache mold pkg-config ca-certificates unzip
  libgrpc++-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libprotoc-dev
  libabsl-dev libssl-dev libcurl4-openssl-dev libasio-dev libhiredis-dev zlib1g-dev
  nlohmann-json3-dev libyaml-cpp-dev prometheus-cpp-dev libcli11-dev libcpp-httplib-dev
  libgoogle-common-protos-java libgtest-dev libgmock-dev libbenchmark-dev
)
TEST_PACKAGES=(redis-server nginx-light openssl procps util-linux python3 python3-grpcio
  python3-protobuf docker-compose)
LINT_PACKAGES=(git clang-format-14 shellcheck)
CLANG_PACKAGES=(clang-14 clang-tidy-14 libclang-rt-14-dev)

# Runs a command as root. sudo -n: a password prompt would hang what has nobody to answer it.
as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi
}

# Prints those of the given packages that are not installed.
missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p' | sort -u || true)
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || echo "$package"
  done
}

readonly POLICY=/usr/sbin/policy-rc.d
readonly POLICY_MARK='# written by tokensvc ./dev while it installs packages'

# Debian starts a package's service when it is installed; redis-server and nginx would take ports of
# this machine, and our tests start their own. An administrator's own policy is never touched.
forbid_service_start() {
  if [[ -e $POLICY ]] && ! grep -qxF "$POLICY_MARK" "$POLICY"; then return; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" | as_root tee "$POLICY" >/dev/null
  as_root chmod 755 "$POLICY"
  trap allow_service_start EXIT
}

allow_service_start() {
  if grep -qxF "$POLICY_MARK" "$POLICY" 2>/dev/null; then as_root rm -f "$POLICY"; fi
  trap - EXIT
}

# ensure_packages NAME...: installs what is missing, and says so. Nothing missing: one dpkg-query.
ensure_packages() {
  command -v dpkg-query >/dev/null ||
    die "this needs Debian 12 (dpkg is missing); elsewhere install: $*"
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  as_root true 2>/dev/null ||
    die "run this as root or with a sudo that asks nothing; packages are missing: ${missing[*]}"
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q=2 -o DPkg::Lock::Timeout=300
    -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
  local log start=$SECONDS
  log=$(mktemp)
  forbid_service_start
  if ! { as_root "${apt[@]}" update && as_root "${apt[@]}" install -y --no-install-recommends \
    "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    die "packages could not be installed: ${missing[*]}"
  fi
  rm -f "$log"
  allow_service_start
  say "installed in $(human_seconds $((SECONDS - start)))"
}

# Node and npm only when missing: Debian's npm cannot be installed beside another vendor's nodejs.
node_packages() {
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
}
