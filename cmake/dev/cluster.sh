# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What docker-compose.yml describes, natively on loopback: two replicas behind nginx, Redis with TLS, ACL
# and AOF, the development authority. Sourced, never run.

cluster_dir='' cluster_pids=()
declare -A cluster_address=()

cluster_cleanup() {
  local at
  for ((at = ${#cluster_pids[@]} - 1; at >= 0; at--)); do stop_process "${cluster_pids[at]}"; done
  [[ -z $cluster_dir ]] || rm -rf "$cluster_dir"
}

# A port that nobody listens on, below those that the kernel gives out by itself.
cluster_free_port() {
  local port
  while true; do
    port=$((20000 + RANDOM % 12000))
    [[ " ${cluster_ports[*]} " != *" $port "* ]] || continue
    (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  cluster_ports+=("$port")
  REPLY=$port
}

cluster_addresses() {
  local name replica cluster_ports=()
  for name in NGINX REPLICA_A REPLICA_B REPLICA_A_LOCAL REPLICA_B_LOCAL REPLICA_A_METRICS \
    REPLICA_B_METRICS REDIS AUTHORITY; do
    cluster_free_port
    cluster_address[$name]=127.0.0.1:$REPLY
  done
  cluster_address[NGINX_LISTEN]=${cluster_address[NGINX]}
  for replica in A B; do
    cluster_address[REPLICA_${replica}_LISTEN]=${cluster_address[REPLICA_$replica]}
    cluster_address[REPLICA_${replica}_ADMIN]=$cluster_dir/replica-${replica,}.admin.sock
  done
  cluster_address[REDIS_BIND]=127.0.0.1
  cluster_address[REDIS_PORT]=${cluster_address[REDIS]#*:}
  cluster_address[AUTHORITY]=https://${cluster_address[AUTHORITY]}
  for name in "${!cluster_address[@]}"; do echo "$name=${cluster_address[$name]}"; done
}

# cluster_start NAME FOLDER PROGRAM ARGUMENT...: starts a part in its folder of the cluster's. It ends with
# this shell, even where that is killed.
cluster_start() {
  local name=$1 folder=$cluster_dir/$2
  shift 2
  (cd "$folder" && exec setpriv --pdeathsig TERM -- "$@") >"$cluster_dir/$name.log" 2>&1 </dev/null &
  cluster_pids+=($!)
  echo $! >"$cluster_dir/$name.pid"
}

# cluster_wait NAME COMMAND...: until the part that was started last answers.
cluster_wait() {
  local name=$1 deadline=$((SECONDS + READY_SECONDS)) pid=${cluster_pids[-1]}
  shift
  until "$@" >/dev/null 2>&1 </dev/null; do
    if ((SECONDS >= deadline)) || ! kill -0 "$pid" 2>/dev/null; then
      tail -n 40 "$cluster_dir/$name.log" >&2
      die "$name ended, or was not ready within $READY_SECONDS seconds; its log is above"
    fi
    sleep 0.05
  done
}

# Redis answers anybody with a certificate; without a password it says NOAUTH, and that is enough here.
cluster_redis_answers() {
  timeout 5 redis-cli -h 127.0.0.1 -p "${cluster_address[REDIS_PORT]}" --tls \
    --cacert "$cluster_dir/redis/ca.pem" --cert "$cluster_dir/redis/redis.pem" \
    --key "$cluster_dir/redis/redis.key" ping 2>&1 | grep -q NOAUTH
}

# cluster_up SERVER TOKENCTL AUTHORITY: prepares the folder, and starts all parts, each when the ones that
# it needs answer.
cluster_up() {
  local server=$1 ctl=$2 authority=$3 replica name
  cluster_addresses >"$cluster_dir/addresses"
  PATH=${ctl%/*}:$PATH deploy/prepare.sh "$cluster_dir" "$cluster_dir/addresses" ||
    die "deploy/prepare.sh failed"

  cluster_start redis redis redis-server redis.conf
  cluster_wait redis cluster_redis_answers
  cluster_start authority authority "$authority" --port "${cluster_address[AUTHORITY]##*:}" \
    --tls-certificate-file authority.pem --tls-private-key-file authority.key \
    --client orders-service=orders-service.secret --ready-file ready
  cluster_wait authority test -s "$cluster_dir/authority/ready"
  for replica in A B; do
    name=replica-${replica,}
    cluster_start "$name" tokensvc "$server" --config "$name.yaml"
    cluster_wait "$name" "$ctl" --address "${cluster_address[REPLICA_${replica}_LOCAL]}" health
  done
  cluster_start nginx nginx nginx -p . -c nginx.conf -e stderr
  cluster_wait nginx "$ctl" --address "${cluster_address[NGINX]}" --tls \
    --ca-file "$cluster_dir/client/ca.pem" health
}

# cluster_source TOKENCTL OPTION...: acquires there, and prints where the token came from.
cluster_source() {
  timeout --foreground -k 5 "$CALL_SECONDS" "$@" --output json acquire \
    --registration orders --scope api://orders-api/.default </dev/null |
    sed -n 's/.*"source": *"\([^"]*\)".*/\1/p'
}

# cluster_check TOKENCTL: one replica asks the authority, the other finds its token in Redis.
cluster_check() {
  local ctl=$1 first sources
  first=$(cluster_source "$ctl" --address "${cluster_address[NGINX]}" --tls \
    --ca-file "$cluster_dir/client/ca.pem" --jwt-file "$cluster_dir/client/demonstration.jwt")
  say "through nginx:    $first"
  sources=$(for replica in A B; do
    cluster_source "$ctl" --address "${cluster_address[REPLICA_${replica}_LOCAL]}"
  done)
  say "from replica a:   $(sed -n 1p <<<"$sources")"
  say "from replica b:   $(sed -n 2p <<<"$sources")"
  [[ $first == authority && $(sort <<<"$sources") == local_cache$'\n'shared_cache ]] ||
    die "these are not the sources that two replicas with a shared cache have"
}

command_cluster() {
  local option stay=no build=yes
  for option in "$@"; do
    case $option in
      --stay) stay=yes ;;
      --check) build=no ;; # For tests: with what is built and installed, or not at all.
      *) usage_error "cluster takes --stay, --check or nothing" ;;
    esac
  done
  if [[ $build == yes ]]; then
    ensure_packages "${BUILD_PACKAGES[@]}" redis-server nginx-light openssl
    build_preset release tokensvc-server tokenctl tokensvc-dev-authority
  fi
  local server ctl authority
  server=$(find_program release tokensvc-server)
  ctl=$(find_program release tokenctl)
  authority=$(find_program release tokensvc-dev-authority)

  trap cluster_cleanup EXIT
  trap 'exit 130' INT TERM
  mkdir -p build/cluster
  cluster_dir=$(mktemp -d "$ROOT/build/cluster/XXXXXX")
  say "starting Redis, the development authority, two replicas and nginx"
  cluster_up "$server" "$ctl" "$authority"
  say "one replica asks the authority, the other finds the token in Redis"
  cluster_check "$ctl"
  cluster_next "${ctl#"$ROOT"/}"
  [[ $stay == no ]] || wait
}

cluster_next() {
  local here=${cluster_dir#"$ROOT"/}
  cat <<NEXT

nginx          ${cluster_address[NGINX]}  (TLS)
replica a, b   ${cluster_address[REPLICA_A_LOCAL]}, ${cluster_address[REPLICA_B_LOCAL]}  (plaintext)
metrics a, b   ${cluster_address[REPLICA_A_METRICS]}, ${cluster_address[REPLICA_B_METRICS]}
Redis          ${cluster_address[REDIS]}  (TLS with a client certificate, user tokensvc)
authority      ${cluster_address[AUTHORITY]}
files, logs    $here

While it runs (./dev cluster --stay leaves it running until Ctrl-C; ports and folder differ each time):
  $1 --address ${cluster_address[NGINX]} --tls --ca-file $here/client/ca.pem \\
    --jwt-file $here/client/demonstration.jwt acquire --registration orders --scope api://orders-api/.default
  $1 --address ${cluster_address[REPLICA_B_LOCAL]} check --registration orders --scope api://orders-api/.default
  $1 --address unix:$cluster_dir/replica-b.admin.sock admin cache
  curl -s http://${cluster_address[REPLICA_B_METRICS]}/metrics | grep redis
docs/OPERATIONS.md says what to look at, and how to run the same with docker-compose.
NEXT
}
