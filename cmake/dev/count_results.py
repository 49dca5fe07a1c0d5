#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Counts test cases after a ctest run: count_results.py JUNIT GTEST_XML_DIR CTEST_STATUS.

A GoogleTest binary counts by its cases, any other ctest entry as one. Prints "PASSED FAILED SKIPPED"
on stdout; names of failures and reasons of skips go to stderr.
"""
import os
import sys
import xml.etree.ElementTree as ElementTree


class Counts:
    """Results so far, told on stderr where they are not plain passes."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def fail(self, name, why=""):
        self.failed += 1
        print(f"failed: {name}{': ' + why if why else ''}", file=sys.stderr)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped: {name}: {why or 'no reason given'}", file=sys.stderr)


def last_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def skip_reason(message):
    """GoogleTest puts file and line first; the reason is what follows."""
    lines = [line.strip() for line in (message or "").splitlines() if line.strip()]
    return " ".join(lines[1:]) if len(lines) > 1 else " ".join(lines)


def count_gtest(counts, path, entry_name, entry_failed):
    """Counts the cases in one GoogleTest report; a failure outside of all cases counts as one more."""
    before = counts.failed
    seen = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        seen += 1
        name = f"{entry_name}: {case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None:
            counts.fail(name)
        elif case.get("status") == "notrun":
            # Suppressed by a filter (not our business) or disabled (somebody owes a test).
            if "DISABLED_" in name:
                counts.skip(name, "disabled")
        elif case.get("result") == "skipped" or case.find("skipped") is not None:
            skipped = case.find("skipped")
            counts.skip(name, skip_reason("" if skipped is None else skipped.get("message")))
        else:
            counts.passed += 1
    if entry_failed and counts.failed == before:
        counts.fail(entry_name, "ended badly outside of its test cases (crash, leak or timeout)")
    if not entry_failed and seen == 0:
        counts.fail(entry_name, "holds no test case")


def count_entry(counts, case, results_dir):
    name = case.get("name")
    status = case.get("status")
    report = os.path.join(results_dir, name + ".xml")
    if os.path.exists(report) and status in ("run", "fail"):
        try:
            return count_gtest(counts, report, name, status == "fail")
        except ElementTree.ParseError:
            return counts.fail(name, "its report is cut off (crash)")
    if status == "run":
        counts.passed += 1
    elif status == "disabled":
        counts.skip(name, "disabled in ctest")
    elif status == "notrun" and "SKIP" in (case.find("skipped").get("message", "")):
        counts.skip(name, last_line(case.findtext("system-out")))
    else:
        why = case.find("failure")
        why = case.find("skipped") if why is None else why
        counts.fail(name, "" if why is None else why.get("message", ""))


def main():
    junit, results_dir, ctest_status = sys.argv[1], sys.argv[2], int(sys.argv[3])
    counts = Counts()
    try:
        cases = ElementTree.parse(junit).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        cases = []
    for case in cases:
        count_entry(counts, case, results_dir)
    if counts.passed + counts.failed == 0:
        counts.fail("ctest", f"no test ran (exit status {ctest_status})")
    elif ctest_status != 0 and counts.failed == 0:
        counts.fail("ctest", f"exit status {ctest_status}")
    print(counts.passed, counts.failed, counts.skipped)


if __name__ == "__main__":
    main()
