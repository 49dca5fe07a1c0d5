#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules for our sources that no ready-made tool knows: `git ls-files -z | check_sources.py`.

Every rule prints `path:line: what is wrong`; the exit status is 1 where anything was printed.
"""
import re
import sys

LICENSE_LINE = "SPDX-License-Identifier: Apache-2.0"
LICENSED = (".h", ".cc", ".proto", ".cmake", ".sh", ".py", ".mjs", "CMakeLists.txt", "dev", ".ci/run")

# Programs for people print; everything else logs, or returns a status.
MAY_PRINT = re.compile(r"^(tests/|examples/|client/tokenctl|(.*/)?main\.cc$)")
PRINTS = re.compile(r"\bstd::(cout|cerr|printf)\b|(?<![\w:.>])(printf|fprintf|puts)\s*\(")

# Hosts of package mirrors and paths of somebody's machine. Written so as not to match themselves.
MACHINE = re.compile(
    r"(?<![\w.~}$)])/(work|home/\w+|root|Users)/\w|\"resolved\":"
    r"|\b(registry|deb|ftp|security|snapshot|pypi|files|proxy)\.(npmjs|yarnpkg|debian|python|"
    r"pythonhosted|golang)\.\w+")

MAX_LINES = {".h": 250, ".cc": 500}

# Whose claims name the suites that show them, in the last column of its table of threats.
CLAIMS = "docs/SECURITY.md"
SUITE = re.compile(r"^(?:TEST|TEST_F|TEST_P|TYPED_TEST)\((\w+),|^class (\w+)\(", re.MULTILINE)


def named_files():
    """The paths on stdin, NUL-terminated; none at all means that the listing failed."""
    names = [name for name in sys.stdin.read().split("\0") if name]
    if not names:
        sys.exit("check_sources: no files named on stdin")
    return names


def include_guard(path):
    return "TOKENSVC_" + re.sub(r"[^A-Za-z0-9]", "_", path).upper() + "_"


def without_comment(line):
    return line.split("//", 1)[0]


def check_guard(path, lines):
    guard = include_guard(path)
    code = [line for line in lines if line.startswith("#")]
    if code[:2] != [f"#ifndef {guard}", f"#define {guard}"]:
        yield 1, f"the include guard must be {guard}"
    elif not lines[-1].startswith("#endif") or guard not in lines[-1]:
        yield len(lines), f"the last line must be '#endif  // {guard}'"


def check_printing(path, lines):
    if MAY_PRINT.match(path):
        return
    for number, line in enumerate(lines, 1):
        if PRINTS.search(without_comment(line)):
            yield number, "prints; only main.cc, tokenctl and tests do"


def check_machine(lines):
    for number, line in enumerate(lines, 1):
        if MACHINE.search(line):
            yield number, "names a package registry or a path of one machine"


def check_claims(text, suites):
    """Each row `| threat | control | suites |` names suites that there are."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("| **"):
            continue
        for name in re.findall(r"`(\w+)`", line.split("|")[3]):
            if name not in suites:
                yield number, f"no test is called {name}"


def check(path, text):
    lines = text.splitlines()
    if path.endswith(LICENSED) and not any(LICENSE_LINE in line for line in lines[:2]):
        yield 1, f"the first line must say {LICENSE_LINE}"
    if path.endswith(".h") and lines:
        yield from check_guard(path, lines)
    if path.endswith((".h", ".cc")):
        yield from check_printing(path, lines)
    for ending, limit in MAX_LINES.items():
        if path.endswith(ending) and len(lines) > limit:
            yield limit, f"{len(lines)} lines; past {limit} there is a second thing in the file"
    yield from check_machine(lines)
    # A fuzz corpus is bytes, not text.
    if text and not text.endswith("\n") and "/corpus/" not in path:
        yield len(lines), "no newline at the end of the file"


def main():
    found = 0
    suites, claims = set(), ""
    for path in named_files():
        try:
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # Binary data, or deleted and not yet staged.
        if path.startswith("tests/"):
            suites.update(name for match in SUITE.findall(text) for name in match)
        if path == CLAIMS:
            claims = text
        for number, problem in check(path, text):
            found += 1
            print(f"{path}:{number}: {problem}")
    for number, problem in check_claims(claims, suites):
        found += 1
        print(f"{CLAIMS}:{number}: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
