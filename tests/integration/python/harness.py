# SPDX-License-Identifier: Apache-2.0
"""Starts the real programs for a test, and stops them again whatever happens.

Everything listens on 127.0.0.1, port 0; everything that waits has a deadline; files are in a folder that
goes away with the test. Standard library only, so that every script here can use it.

TOKENSVC_BUILD_DIR names the build tree (for example build/dev); without it, tests are skipped.
"""

import ctypes
import json
import os
import pathlib
import queue
import signal
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
READY_SECONDS = 30
STOP_SECONDS = 10
CALL_SECONDS = 20

TENANT = "11111111-1111-1111-1111-111111111111"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def environment(**more):
    """Ours without proxies: what a test says to 127.0.0.1 must not leave the machine."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return {**kept, "no_proxy": "*", **more}


def _die_with_parent():
    # A test that is killed can't clean up; the kernel does it then.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program that runs beside the test; its stderr goes to a file, or to the descriptor `stderr`."""

    def __init__(self, name, arguments, folder, stdin_line=None, stderr=None, **env):
        self.name = name
        self.log_path = folder / f"{name}.log"
        self._lines = queue.Queue()
        with open(self.log_path, "wb") as log:
            self._process = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log if stderr is None else stderr,
                cwd=folder,
                env=environment(**env),
                preexec_fn=_die_with_parent,
            )
        self.stdout_lines = []
        self._reader = threading.Thread(target=self._read_stdout, daemon=True)
        self._reader.start()
        if stdin_line is not None:
            self._process.stdin.write(stdin_line.encode() + b"\n")
            self._process.stdin.flush()

    def _read_stdout(self):
        for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip("\n")
            self.stdout_lines.append(text)
            self._lines.put(text)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def _failed(self, what):
        tail = "\n".join(self.log().splitlines()[-40:])
        return AssertionError(f"{self.name} {what}; its log ends:\n{tail}")

    def wait_for_file(self, path):
        """The lines of `path`, as soon as it is there and complete."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if path.exists():
                text = path.read_text()
                if text.endswith("\n"):
                    return text.splitlines()
            if self._process.poll() is not None:
                raise self._failed(f"ended with {self._process.returncode}")
            time.sleep(0.02)
        raise self._failed(f"was not ready within {READY_SECONDS} s")

    def wait_for_log(self, text):
        """Until `text` is in the log."""
        deadline = time.monotonic() + READY_SECONDS
        while text not in self.log():
            if time.monotonic() > deadline:
                raise self._failed(f"did not log {text} within {READY_SECONDS} s")
            time.sleep(0.05)

    def wait_for_line(self):
        """The next line of stdout."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                return self._lines.get(timeout=0.1)
            except queue.Empty:
                if self._process.poll() is not None and not self._reader.is_alive():
                    raise self._failed(f"ended with {self._process.returncode}") from None
        raise self._failed(f"said nothing within {READY_SECONDS} s")

    def signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        """SIGTERM, then SIGKILL; the exit code (negative: by that signal)."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        code = self._process.wait()
        self._reader.join(STOP_SECONDS)
        for stream in (self._process.stdin, self._process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass
        return code


def run(arguments, **env):
    """A program that ends by itself; returns its CompletedProcess with text output."""
    return subprocess.run(
        [str(argument) for argument in arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=CALL_SECONDS,
        env=environment(**env),
        check=False,
    )


class ServiceTest(unittest.TestCase):
    """A test with a temporary folder and processes that end with it."""

    def setUp(self):
        super().setUp()
        build = os.environ.get("TOKENSVC_BUILD_DIR")
        if not build:
            self.skipTest("TOKENSVC_BUILD_DIR is not set")
        self.build = pathlib.Path(build).resolve()
        folder = tempfile.TemporaryDirectory(prefix="tokensvc-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def program(self, path):
        found = self.build / path
        self.assertTrue(found.exists(), f"{found} is not built")
        return found

    def secret_file(self, name, secret):
        path = self.folder / name
        with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            file.write(secret)
        return path

    def start(self, name, arguments, **keywords):
        process = Process(name, arguments, self.folder, **keywords)
        self.addCleanup(process.stop)
        return process

    def start_authority(self, client_id, secret_file):
        """The development authority; returns the process and its base URL."""
        ready = self.folder / "authority.ready"
        process = self.start("authority", [
            self.program("tests/authority/tokensvc-dev-authority"), "--port", "0",
            "--client", f"{client_id}={secret_file}", "--ready-file", ready,
        ])
        return process, process.wait_for_file(ready)[0]

    def start_server(self, authorities, registrations, server=None, tls=None, listeners=(), policy=None,
                     audit=None, **keywords):
        """The service with one listener, `local` (`tls`: its certificate's files; else plaintext), and `listeners`;
        `policy`: more keys of it. Returns the process and the first listener's address."""
        transport = {"tls": tls} if tls else {"plaintext": {}}
        config = {
            "listeners": [{"name": "local", "address": "127.0.0.1:0", "identity": "tests",
                           "reflection": True, **transport}, *listeners],
            "policy": {"rules": [{"name": "all", **{each: ["*"] for each in (
                "callers", "registrations", "tenants", "grants", "scopes")}}], **(policy or {})},
            "metrics": {"address": "127.0.0.1:0"},
            "authorities": authorities,
            "registrations": registrations,
            "server": server or {},
            **({"audit": audit} if audit else {}),
        }
        process, listeners = self.start_server_with(config, **keywords)
        self.assertIn("local", listeners)
        return process, listeners["local"]

    def start_server_with(self, config, **keywords):
        """The service with a configuration; returns the process and the listeners' addresses by name."""
        path = self.folder / "tokensvc.yaml"
        path.write_text(json.dumps(config, indent=2))  # JSON is YAML, and quotes everything right.
        ready = self.folder / "server.ready"
        process = self.start("server", [
            self.program("service/tokensvc-server"), "--config", path, "--ready-file", ready,
        ], **keywords)
        return process, dict(line.split(" ", 1) for line in process.wait_for_file(ready))

    def start_service(self, secret="CANARY-secret-of-orders", **keywords):
        """Both, with the registration `orders`; afterwards no log may hold the secret."""
        secret_file = self.secret_file("orders.secret", secret)
        authority, url = self.start_authority("orders-service", secret_file)
        server, address = self.start_server(
            [{"name": "dev", "entra": {"base_url": url, "instance_discovery": False}}],
            [{
                "name": "orders",
                "authority": "dev",
                "client_id": "orders-service",
                "tenants": [TENANT],
                "default_tenant": TENANT,
                "credentials": [{"secret": {"value": f"file:{secret_file}", "method": "post"}}],
            }],
            **keywords,
        )
        self.addCleanup(self.assert_not_logged, secret, server)
        self.authority, self.server = authority, server
        return address

    def assert_not_logged(self, secret, *processes):
        self.assertTrue(secret)
        for process in processes:
            self.assertNotIn(secret, process.log(), f"a secret is in the log of {process.name}")
            self.assertNotIn(secret, "\n".join(process.stdout_lines))
