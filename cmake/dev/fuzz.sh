# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Runs the libFuzzer targets of tests/fuzz. Sourced, never run.

# fuzz_target NAME SECONDS: new inputs go to build/fuzz/corpus, what breaks it to build/fuzz/findings.
fuzz_target() {
  local name=$1 seconds=$2 program log=build/fuzz/$1.log
  program=$(find_program fuzz "${name}_fuzz")
  mkdir -p "build/fuzz/corpus/$name" build/fuzz/findings
  if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$name-" \
    "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1 </dev/null; then
    say "$name: $(awk '/^stat::number_of_executed_units/ {print $2}' "$log") inputs, nothing found"
  else
    tail -n 30 "$log" >&2
    say "$name: broken by an input; it is in build/fuzz/findings, the whole output in $log"
    return 1
  fi
}

command_fuzz() {
  local seconds=60 targets=() found=0 name
  while (($# > 0)); do
    case $1 in
      --seconds)
        [[ ${2:-} =~ ^[1-9][0-9]{0,5}$ ]] || usage_error "--seconds takes a number from 1"
        seconds=$2
        shift 2
        ;;
      -*) usage_error "fuzz takes --seconds N and names of targets" ;;
      *)
        [[ -f tests/fuzz/$1_fuzz.cc ]] || usage_error "no fuzz target '$1' in tests/fuzz"
        targets+=("$1")
        shift
        ;;
    esac
  done
  if ((${#targets[@]} == 0)); then
    for name in tests/fuzz/*_fuzz.cc; do targets+=("$(basename "$name" _fuzz.cc)"); done
  fi
  ensure_packages "${BUILD_PACKAGES[@]}" "${CLANG_PACKAGES[@]}"
  build_preset fuzz "${targets[@]/%/_fuzz}"
  for name in "${targets[@]}"; do
    fuzz_target "$name" "$seconds" || found=$((found + 1))
  done
  echo "${#targets[@]} targets, $found of them broken"
  ((found == 0))
}
