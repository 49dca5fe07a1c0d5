# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# From nothing to a token: a development authority, the service, two calls. Sourced, never run.

# Every wait below is bounded by these; nothing in the quickstart can hang.
readonly READY_SECONDS=20 CALL_SECONDS=20

quickstart_dir='' quickstart_pids=()

quickstart_cleanup() {
  local pid
  for pid in "${quickstart_pids[@]}"; do stop_process "$pid"; done
  [[ -z $quickstart_dir ]] || rm -rf "$quickstart_dir"
}

# quickstart_start NAME PROGRAM ARGUMENT...: starts a process that writes NAME.ready when it serves.
quickstart_start() {
  local name=$1
  shift
  "$@" --ready-file "$quickstart_dir/$name.ready" >"$quickstart_dir/$name.log" 2>&1 </dev/null &
  quickstart_pids+=($!)
  wait_for_file "$quickstart_dir/$name.ready" "$READY_SECONDS" $! || {
    tail -n 40 "$quickstart_dir/$name.log" >&2
    die "$name ended, or was not ready within $READY_SECONDS seconds; its log is above"
  }
}

# Shows a command line as a person would type it, then runs it.
quickstart_show() {
  printf '\n$ %s\n' "${*//"$ROOT/"/}"
  timeout --foreground -k 5 "$CALL_SECONDS" "$@" </dev/null
}

# quickstart_config TEMPLATE: fills in the template. The values are ours: no character sed minds.
quickstart_config() {
  sed -e "s|@AUTHORITY@|$(head -n 1 "$quickstart_dir/authority.ready")|g" \
    -e "s|@SECRET_FILE@|$quickstart_dir/orders-service.secret|g" \
    -e "s|@ADMIN_SOCKET@|$quickstart_dir/admin.sock|g" \
    -e '/^# TEMPLATE: /d' "$1" >"$quickstart_dir/tokensvc.yaml"
  chmod 600 "$quickstart_dir/tokensvc.yaml"
}

command_quickstart() {
  local stay=no
  case ${1:-} in
    --stay) stay=yes ;;
    '') ;;
    *) usage_error "quickstart takes --stay or nothing" ;;
  esac
  ensure_packages "${BUILD_PACKAGES[@]}"
  build_preset release tokensvc-server tokenctl tokensvc-dev-authority
  local server ctl authority address
  server=$(find_program release tokensvc-server)
  ctl=$(find_program release tokenctl)
  authority=$(find_program release tokensvc-dev-authority)

  trap quickstart_cleanup EXIT
  trap 'exit 130' INT TERM
  quickstart_dir=$(mktemp -d)
  chmod 700 "$quickstart_dir"
  (umask 077 && head -c 32 /dev/urandom | base64 -w 0 >"$quickstart_dir/orders-service.secret")

  say "starting the development authority"
  quickstart_start authority "$authority" --port 0 \
    --client "orders-service=$quickstart_dir/orders-service.secret"
  quickstart_config examples/quickstart.yaml
  say "checking the configuration, then starting the service"
  quickstart_show "$server" --config "$quickstart_dir/tokensvc.yaml" --check-config
  quickstart_start server "$server" --config "$quickstart_dir/tokensvc.yaml"
  read -r _ address <"$quickstart_dir/server.ready" # NAME ADDRESS

  local ask=(--registration orders --scope api://orders-api/.default)
  say "the first call asks the authority, the second is answered from the local cache"
  quickstart_show "$ctl" --address "$address" acquire "${ask[@]}"
  quickstart_show "$ctl" --address "$address" acquire "${ask[@]}"
  quickstart_show "$ctl" --address "$address" header "${ask[@]}"
  say "the policy that allowed it, and what is in the cache now"
  quickstart_show "$ctl" --address "unix:$quickstart_dir/admin.sock" explain \
    --caller local:quickstart "${ask[@]}"
  quickstart_show "$ctl" --address "unix:$quickstart_dir/admin.sock" admin cache
  quickstart_next "${ctl#"$ROOT"/}" "$address"
  [[ $stay == no ]] || wait
}

quickstart_next() {
  cat <<NEXT

It works. What to try next:
  ./dev quickstart --stay     the same, left running until Ctrl-C; then, in another terminal:
    $1 --address ADDRESS health
    (this time ADDRESS was $2; each run takes a free port)
  $1 --help
  examples/quickstart.yaml    the configuration that was just used
  README.md                   the same calls with grpcurl, and how to run it for good
  ./dev test                  the unit and integration tests
NEXT
}
