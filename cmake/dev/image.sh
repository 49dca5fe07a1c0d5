# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The Dockerfile where there is no container engine. Sourced, never run.

# command_image: runs the Dockerfile's steps in a bare Debian 12 root, starts the service that comes out of
# them as its image would, and waits for its health check.
command_image() {
  (($# == 0)) || usage_error "image takes no arguments"
  [[ $(id -u) == 0 ]] || die "image makes a root of its own and changes into it: run it as root"
  ensure_packages debootstrap python3 iproute2 util-linux
  local folder=$ROOT/build/image
  rm -rf --one-file-system "$folder"
  mkdir -p "$folder"
  say "installing a bare Debian 12 into build/image"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$folder/debian" >"$folder/debootstrap.log" 2>&1 \
    </dev/null || { tail -n 20 "$folder/debootstrap.log" >&2; die "debootstrap failed"; }
  # An engine gives its containers the host's name servers.
  cp /etc/resolv.conf "$folder/debian/etc/resolv.conf"
  /usr/bin/python3 cmake/dev/image_steps.py Dockerfile "$folder"
  rm -rf --one-file-system "$folder" # Only a failure leaves something to look at.
}
