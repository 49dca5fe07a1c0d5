# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Configures and builds one preset. Sourced, never run.

# build_preset PRESET [TARGET... | -- NINJA ARGUMENT...]: all targets where none is named.
build_preset() {
  local preset=$1 targets=() log status
  shift
  if [[ ${1:-} == -- ]]; then
    targets=("$@")
  elif (($# > 0)); then
    targets=(--target "$@")
  fi
  if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
    # What ccache asks for where headers are precompiled.
    export CCACHE_SLOPPINESS=pch_defines,time_macros
  fi
  mkdir -p "build/$preset"
  log=build/$preset/dev-configure.log
  if ! cmake --preset "$preset" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    return 1
  fi
  say "building preset $preset in build/$preset, $(jobs_count) jobs${1:+: $*}"
  # --quiet would hide progress; NINJA_STATUS keeps the log of a long build readable.
  NINJA_STATUS='[%f/%t %es] ' cmake --build --preset "$preset" --parallel "$(jobs_count)" \
    "${targets[@]}" </dev/null >&2 || {
    status=$?
    say "build of preset $preset failed"
    return "$status"
  }
}

command_build() {
  local preset=${1:-release}
  (($# == 0)) || shift
  case $preset in
    release | dev | asan | tsan) ensure_packages "${BUILD_PACKAGES[@]}" ;;
    tidy | fuzz) ensure_packages "${BUILD_PACKAGES[@]}" "${CLANG_PACKAGES[@]}" ;;
    *) usage_error "no preset named '$preset' (release, dev, asan, tsan, tidy, fuzz)" ;;
  esac
  build_preset "$preset" "$@"
}

command_bench() {
  ensure_packages "${BUILD_PACKAGES[@]}" redis-server
  build_preset release tokensvc_bench
  local program
  program=$(find_program release tokensvc_bench)
  "$program" "$@" </dev/null
}

# find_program PRESET NAME: prints where the build put an executable.
find_program() {
  local found
  found=$(find "build/$1" -type f -name "$2" -perm -u+x -not -path '*/CMakeFiles/*' -print -quit)
  [[ -n $found ]] || die "the build of preset $1 made no '$2'"
  echo "$ROOT/$found"
}
