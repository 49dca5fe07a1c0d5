# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Formatting, the contract's style, and our own rules for sources. Sourced, never run.

lint_passed=0 lint_failed=0

# lint_check NAME COMMAND...: runs one check, quiet when it passes.
lint_check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1 </dev/null); then
    lint_passed=$((lint_passed + 1))
    say "lint $name: ok"
  else
    lint_failed=$((lint_failed + 1))
    say "lint $name: FAILED"
    printf '%s\n' "$output" >&2
  fi
}

# Names of tracked files, NUL-terminated. CI may have checked out as somebody else than it runs as.
tracked_files() { git -c "safe.directory=$ROOT" ls-files -z -- "$@"; }

our_sources() { tracked_files '*.h' '*.cc'; }

# The first lines say enough; `./dev lint --fix` mends it all.
lint_format() {
  local output
  output=$(our_sources | xargs -0 -r clang-format-14 --dry-run -Werror --style=file 2>&1) && return
  grep -E '(error|warning): ' <<<"$output" | cut -d: -f1 | sort | uniq -c
  echo "lines that clang-format would change, by file; ./dev lint --fix changes them"
  return 1
}

lint_proto() { (cd proto && "$TOKENSVC_BUF" lint); }

lint_shell() { tracked_files dev .ci/run '*.sh' | xargs -0 -r shellcheck -x; }

lint_sources() { tracked_files | /usr/bin/python3 cmake/dev/check_sources.py; }

# Generated files are compiled by the same targets; clang-tidy takes the nearest configuration above a
# file, and it refuses to run with no check at all.
lint_tidy() {
  mkdir -p build/tidy
  printf 'Checks: "-*,misc-definitions-in-headers"\n' >build/tidy/.clang-tidy
  build_preset tidy -- -k 0
}

run_lint() {
  lint_check clang-format lint_format
  lint_check buf lint_proto
  lint_check shellcheck lint_shell
  lint_check sources lint_sources
}

command_lint() {
  local tidy=no fix=no
  case ${1:-} in
    --tidy) tidy=yes ;;
    --fix) fix=yes ;;
    '') ;;
    *) usage_error "lint takes --tidy, --fix or nothing" ;;
  esac
  local packages=(ca-certificates python3 "${LINT_PACKAGES[@]}")
  [[ $tidy == no ]] || packages+=("${BUILD_PACKAGES[@]}" "${CLANG_PACKAGES[@]}")
  # shellcheck disable=SC2046  # a list of names
  ensure_packages "${packages[@]}" $(node_packages)
  ensure_tools
  [[ $fix == no ]] || our_sources | xargs -0 -r clang-format-14 -i --style=file
  run_lint
  [[ $tidy == no ]] || lint_check clang-tidy lint_tidy
  echo "$lint_passed checks passed, $lint_failed failed"
  ((lint_failed == 0))
}
