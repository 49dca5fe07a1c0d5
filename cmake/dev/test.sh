# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Runs the test tiers of one or of all presets, and counts. Sourced, never run.

passed=0 failed=0 skipped=0
stage_lines=()

# add_counts "PASSED FAILED SKIPPED"
add_counts() {
  local p f s
  read -r p f s <<<"$1"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# What the tests that talk to the outside of a process may need.
export_test_environment() {
  export TOKENSVC_PYTHON=/usr/bin/python3 # Not PATH's: only Debian's has Debian's packages.
  ensure_tools
}

# run_tests PRESET [CTEST ARGUMENT...]: prints failures with their output; sets `counts`.
run_tests() {
  local preset=$1 results=build/$1/results junit=build/$1/ctest.xml wrapper=()
  shift
  rm -rf "$results" "$junit"
  mkdir -p "$results"
  # GCC 12's ThreadSanitizer cannot map its shadow where the kernel randomises more than 28 bits.
  if [[ $preset == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
    wrapper=(setarch "$(uname -m)" -R)
  fi
  local status=0
  GTEST_OUTPUT="xml:$ROOT/$results/" GTEST_COLOR=no "${wrapper[@]}" ctest --preset "$preset" \
    --parallel "$(nproc)" --output-junit "$ROOT/$junit" "$@" </dev/null >&2 || status=$?
  counts=$(/usr/bin/python3 cmake/dev/count_results.py "$junit" "$results" "$status") ||
    counts="0 1 0"
}

# stage NAME COMMAND...: runs one stage, which sets `counts`; a stage that breaks is one failure.
stage() {
  local name=$1 start=$SECONDS line
  shift
  say "stage $name: starts"
  counts="0 1 0"
  "$@" || true
  add_counts "$counts"
  # shellcheck disable=SC2086  # three numbers
  line=$(printf '%-8s %8s   %d passed, %d failed, %d skipped' "$name" \
    "$(human_seconds $((SECONDS - start)))" $counts)
  stage_lines+=("$line")
  say "stage $line"
}

test_stage() {
  build_preset "$@" && run_tests "$@"
}

lint_stage() {
  run_lint # cmake/dev/lint.sh, and so are these two:
  # shellcheck disable=SC2154
  counts="$lint_passed $lint_failed 0"
}

command_test() {
  local all=no
  if [[ ${1:-} == --all ]]; then
    all=yes
    shift
    (($# == 0)) || usage_error "test --all takes no further arguments"
  fi
  local packages=("${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}")
  [[ $all == no ]] || packages+=("${CLANG_PACKAGES[@]}" "${LINT_PACKAGES[@]}")
  # shellcheck disable=SC2046  # a list of names
  ensure_packages "${packages[@]}" $(node_packages)
  export_test_environment
  if [[ $all == no ]]; then
    build_preset release || { counts="0 1 0"; add_counts "$counts"; closing_line; return 1; }
    run_tests release "$@"
    add_counts "$counts"
  else
    stage release test_stage release
    stage asan test_stage asan
    stage tsan test_stage tsan
    stage lint lint_stage
    say "all stages:"
    printf '      %s\n' "${stage_lines[@]}" >&2
  fi
  closing_line
}

# The last line of every run, and the verdict: nothing failed, and something ran.
closing_line() {
  echo "$passed passed, $failed failed, $skipped skipped"
  ((failed == 0 && passed > 0))
}
