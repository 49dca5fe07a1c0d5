# SPDX-License-Identifier: Apache-2.0
"""What another process of the same user, and a crash, can get out of the service: nothing."""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import unittest

import harness

NOBODY = 65534

# What the server is asked from beside it: to read its memory, as a debugger would.
READ_MEMORY = """
import sys
pid = sys.argv[1]
for name in ("mem", "environ", "maps"):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            file.read(1)
        print(name, "open")
    except PermissionError:
        print(name, "closed")
    except OSError as error:
        print(name, error.errno)
"""


def as_somebody():
    """What makes a command run as a user who is not root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


class HardeningTest(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        # Where that user gets at the program, and may write a core file.
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.home.mkdir()
        for name in ("service/tokensvc-server",):
            shutil.copy(self.program(name), self.home)
        secret = self.home / "orders.secret"
        secret.write_text("CANARY-secret-of-orders")
        secret.chmod(0o600)
        config = {
            "listeners": [{"name": "local", "address": "127.0.0.1:0", "identity": "tests", "plaintext": {}}],
            "policy": {"rules": [{"name": "all", **{each: ["*"] for each in (
                "callers", "registrations", "tenants", "grants", "scopes")}}]},
            # Nobody is asked for a token here.
            "authorities": [{"name": "dev", "entra": {"base_url": "https://127.0.0.1:1"}}],
            "registrations": [{
                "name": "orders", "authority": "dev", "client_id": "orders-service",
                "tenants": [harness.TENANT], "credentials": [{"secret": {"value": f"file:{secret}"}}]}],
        }
        (self.home / "tokensvc.yaml").write_text(json.dumps(config))
        if os.geteuid() == 0:
            for path in (self.home, *self.home.iterdir()):
                os.chown(path, NOBODY, NOBODY)

    def start_in_home(self, arguments):
        """As the user, allowed to leave core files of any size."""
        def unlimited():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        process = subprocess.Popen(
            [*as_somebody(), *map(str, arguments)], cwd=self.home, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=harness.environment(), preexec_fn=unlimited)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def start_in_home_until_ready(self):
        server = self.start_in_home([
            self.home / "tokensvc-server", "--config", "tokensvc.yaml", "--ready-file", "ready"])
        for line in server.stderr:
            if b'"ready"' in line:
                return server
        raise AssertionError("the server ended before it was ready")

    def look_at(self, process):
        """What a process of the same user sees of `process`."""
        looked = harness.run([*as_somebody(), "/usr/bin/python3", "-c", READ_MEMORY, process.pid])
        self.assertEqual(looked.returncode, 0, looked.stderr)
        return dict(line.split(" ", 1) for line in looked.stdout.splitlines())

    def test_its_memory_is_closed_to_other_processes_of_its_user(self):
        self.assertEqual(self.look_at(self.start_in_home_until_ready()),
                         {"mem": "closed", "environ": "closed", "maps": "closed"})

    def test_the_memory_of_another_program_is_open_to_them(self):
        """Or the test above would prove nothing."""
        if int(pathlib.Path("/proc/sys/kernel/yama/ptrace_scope").read_text()
               if pathlib.Path("/proc/sys/kernel/yama/ptrace_scope").exists() else 0) > 0:
            self.skipTest("this kernel closes every program's memory (yama)")
        other = self.start_in_home(["sleep", "60"])
        while b"sleep" not in pathlib.Path(f"/proc/{other.pid}/cmdline").read_bytes().split(b"\0")[0]:
            self.assertIsNone(other.poll())
        self.assertEqual(self.look_at(other)["environ"], "open")

    def crash(self, process):
        """Whether it left a core file, as the kernel says and as the folder shows."""
        process.send_signal(signal.SIGSEGV)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGSEGV
        self.assertTrue(os.WIFSIGNALED(status))
        self.assertEqual(os.WTERMSIG(status), signal.SIGSEGV)
        return os.WCOREDUMP(status) or bool(list(self.home.glob("core*")))

    def test_a_crash_leaves_no_core_file(self):
        self.assertFalse(self.crash(self.start_in_home_until_ready()))

    def test_a_crash_of_another_program_leaves_one(self):
        """Or the test above would prove nothing."""
        other = self.start_in_home(["sleep", "60"])
        while b"sleep" not in pathlib.Path(f"/proc/{other.pid}/cmdline").read_bytes().split(b"\0")[0]:
            self.assertIsNone(other.poll())
        if not self.crash(other):
            self.skipTest("this machine keeps no core files (kernel.core_pattern, or a limit)")


if __name__ == "__main__":
    unittest.main(verbosity=2)
