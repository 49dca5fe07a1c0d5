# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Node 22, buf, oidc-provider and grpc-js from npm, in build/tools. Sourced, never run.

readonly TOOLS_DIR=$ROOT/build/tools

# ensure_tools: installs from the lockfile when it changed, and exports where things are.
ensure_tools() {
  local machine stamp
  machine=$(uname -m)
  stamp="$machine $(cat tests/tools/package.json tests/tools/package-lock.json | sha256sum)"
  if [[ $(cat "$TOOLS_DIR/.stamp" 2>/dev/null) != "$stamp" ]]; then
    command -v npm >/dev/null || die "npm is missing"
    say "installing buf, Node 22, oidc-provider and grpc-js from npm into build/tools"
    mkdir -p "$TOOLS_DIR"
    rm -f "$TOOLS_DIR/.stamp"
    cp tests/tools/package.json tests/tools/package-lock.json "$TOOLS_DIR/"
    # No install scripts: nothing in the lockfile needs one, so none may run.
    (cd "$TOOLS_DIR" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier \
      --loglevel=error </dev/null >&2) || die "npm ci failed in build/tools"
  fi
  local modules=$TOOLS_DIR/node_modules node_machine=x64 buf_machine=x64
  if [[ $machine == aarch64 ]]; then node_machine=arm64 buf_machine=aarch64; fi
  TOKENSVC_NODE22=$modules/node-linux-$node_machine/bin/node
  TOKENSVC_BUF=$modules/@bufbuild/buf-linux-$buf_machine/bin/buf
  { "$TOKENSVC_NODE22" --version && "$TOKENSVC_BUF" --version; } >/dev/null 2>&1 ||
    die "what npm installed in build/tools does not run on this machine ($machine)"
  echo "$stamp" >"$TOOLS_DIR/.stamp"
  export TOKENSVC_NODE22 TOKENSVC_BUF TOKENSVC_TOOLS_DIR=$TOOLS_DIR
  export TOKENSVC_OIDC_PROVIDER_DIR=$ROOT/tests/oidc_provider
}
