#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: prepare.sh FOLDER ADDRESSES
#
# Makes what the parts of a cluster need, into FOLDER/nginx, redis, tokensvc, authority and client: keys,
# certificates, passwords and a JWT for clients, and the configuration from the templates beside this script, whose @WORDS@
# it replaces by the NAME=VALUE lines of the file ADDRESSES. ./dev cluster and docker-compose.yml both run
# it. Secrets that are there already stay; certificates are made anew in their last month.
# Needs openssl, and tokenctl in PATH. FOLDER is for demonstrations: in production each part gets its
# secrets from where you keep yours.
set -euo pipefail
umask 077

TEMPLATES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly TEMPLATES
readonly CERTIFICATE_DAYS=365 RENEW_SECONDS=$((30 * 24 * 3600))

# The host of HOST:PORT or https://HOST:PORT.
host_of() { local address=${1#https://}; echo "${address%:*}"; }

random_password() { openssl rand -base64 32 | tr -d '\n'; }

# certificate FOLDER NAME ADDRESS: a key and a certificate that the authority in $ca signs. Its SPIFFE id is
# what the others know NAME by.
certificate() {
  local folder=$1 name=$2 host subject=DNS:localhost,IP:127.0.0.1,URI:spiffe://cluster.example/$2
  host=$(host_of "$3")
  [[ $host == 127.0.0.1 || $host == localhost ]] || subject+=",DNS:$host"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$folder/$name.key" \
    -subj "/CN=$name" -out "$ca/request" 2>/dev/null
  openssl x509 -req -in "$ca/request" -CA "$ca/ca.pem" -CAkey "$ca/ca.key" -CAcreateserial -sha256 \
    -days "$CERTIFICATE_DAYS" -out "$folder/$name.pem" 2>/dev/null \
    -extfile <(printf 'subjectAltName=%s\nbasicConstraints=CA:false\n' "$subject")
}

base64url() { basenc --base64url -w 0 | tr -d '='; }

# issuer NAME: a JWT whose subject is NAME, for client/, and the key set by which tokensvc/ knows its issuer. It
# stands for what a platform gives to its workloads (a Kubernetes service-account token, for example), which would live
# for an hour instead of as long as these certificates.
issuer() {
  local now modulus input
  now=$(date +%s)
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$ca/issuer.key" 2>/dev/null
  modulus=$(openssl rsa -in "$ca/issuer.key" -noout -modulus)
  printf '{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"%s","n":"%s","e":"AQAB"}]}\n' "$now" \
    "$(basenc --base16 -d <<<"${modulus#Modulus=}" | base64url)" >tokensvc/callers.json
  input=$(printf '{"alg":"RS256","kid":"%s","typ":"JWT"}' "$now" | base64url).$(
    printf '{"iss":"https://cluster.example","sub":"%s","aud":"tokensvc","iat":%d,"exp":%d}' \
      "$1" "$now" $((now + CERTIFICATE_DAYS * 24 * 3600)) | base64url)
  printf '%s.%s' "$input" \
    "$(printf '%s' "$input" | openssl dgst -sha256 -sign "$ca/issuer.key" | base64url)" >"client/$1.jwt"
}

# The keys of the authority and of the issuer live as long as this function.
make_certificates() {
  ca=$(mktemp -d)
  trap 'rm -rf "$ca"' EXIT
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$ca/ca.key" \
    -subj "/CN=Cluster CA" -days "$CERTIFICATE_DAYS" -out "$ca/ca.pem" \
    -addext keyUsage=critical,keyCertSign 2>/dev/null
  certificate nginx nginx "${address[NGINX]}"
  certificate redis redis "${address[REDIS]}"
  certificate authority authority "${address[AUTHORITY]}"
  certificate tokensvc replica-a "${address[REPLICA_A]}"
  certificate tokensvc replica-b "${address[REPLICA_B]}"
  issuer demonstration
  local part
  for part in nginx redis tokensvc client; do cp "$ca/ca.pem" "$part/ca.pem"; done
  rm -rf "$ca"
  trap - EXIT
}

make_secrets() {
  [[ -s tokensvc/redis.password ]] || random_password >tokensvc/redis.password
  [[ -s tokensvc/sealing.keys ]] ||
    tokenctl keys new --ring sealing --out tokensvc/sealing.keys >/dev/null
  [[ -s tokensvc/index.keys ]] || tokenctl keys new --ring index --out tokensvc/index.keys >/dev/null
  [[ -s authority/orders-service.secret ]] || random_password >authority/orders-service.secret
  cp authority/orders-service.secret tokensvc/orders-service.secret
}

# render TEMPLATE FILE [NAME=VALUE...]: replaces @NAME@; a word that is left over is a mistake of ours.
render() {
  local text name pair
  text=$(<"$TEMPLATES/$1")
  for pair in "${@:3}"; do text=${text//"@${pair%%=*}@"/"${pair#*=}"}; done
  for name in "${!address[@]}"; do text=${text//"@$name@"/"${address[$name]}"}; done
  if [[ $text =~ @[A-Z_]+@ ]]; then
    echo "prepare.sh: no value for ${BASH_REMATCH[0]} of $1" >&2
    return 1
  fi
  printf '%s\n' "$text" >"$2"
}

[[ $# == 2 ]] || { sed -n 's/^# usage: /usage: /p' "${BASH_SOURCE[0]}" >&2; exit 2; }
declare -A address=()
while IFS='=' read -r name value; do
  [[ $name =~ ^[A-Z_]+$ ]] && address[$name]=$value
done <"$2"

mkdir -p "$1"
cd "$1"
mkdir -p nginx redis tokensvc authority client
make_secrets
# client/ca.pem is written last: without it, the others are not complete.
openssl x509 -in client/ca.pem -noout -checkend "$RENEW_SECONDS" >/dev/null 2>&1 || make_certificates

digest=$(sha256sum <tokensvc/redis.password)
sed "s/\${TOKENSVC_REDIS_PASSWORD_SHA256}/${digest%% *}/" "$TEMPLATES/redis/users.acl" >redis/users.acl
render redis/redis.conf redis/redis.conf
render nginx/nginx.conf nginx/nginx.conf
for replica in A B; do
  render tokensvc/replica.yaml "tokensvc/replica-${replica,}.yaml" "REPLICA=replica-${replica,}" \
    "LISTEN=${address[REPLICA_${replica}_LISTEN]}" "LOCAL=${address[REPLICA_${replica}_LOCAL]}" \
    "METRICS=${address[REPLICA_${replica}_METRICS]}" "ADMIN=${address[REPLICA_${replica}_ADMIN]}"
done
