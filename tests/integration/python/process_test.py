# SPDX-License-Identifier: Apache-2.0
"""The server as a process: what its surroundings do to it, and how it ends."""

import fcntl
import json
import os
import signal
import subprocess
import time
import unittest

import grpc

import harness
import stubs

ACQUIRE = "/tokensvc.v1.TokenService/AcquireForClient"
SCOPE = b"api://orders-api/.default"
# AcquireForClientRequest{registration = 1, scopes = 3}, as it goes over the wire.
GOOD_REQUEST = b"\x0a\x06orders\x1a" + bytes([len(SCOPE)]) + SCOPE
NO_UTF8 = b"\x0a\x02\xff\xfe"


def full_pipe():
    """A pipe that takes no more bytes, and that nobody reads: (reading end, writing end)."""
    reading, writing = os.pipe()
    flags = fcntl.fcntl(writing, fcntl.F_GETFL)
    fcntl.fcntl(writing, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    for size in (4096, 1):
        try:
            while True:
                os.write(writing, b"x" * size)
        except BlockingIOError:
            pass
    fcntl.fcntl(writing, fcntl.F_SETFL, flags)
    return reading, writing


class ProcessTest(harness.ServiceTest):
    def start_with_stuck_stderr(self):
        reading, writing = full_pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        return self.start_service(server={"drain_timeout": "3s"}, stderr=writing)

    def raw_acquire(self, address):
        channel = stubs.channel(address)
        self.addCleanup(channel.close)
        return channel.unary_unary(ACQUIRE, request_serializer=bytes, response_deserializer=bytes)

    def test_a_stuck_stderr_stops_neither_calls_nor_the_end_whatever_callers_send(self):
        address = self.start_with_stuck_stderr()
        acquire = self.raw_acquire(address)
        for _ in range(100):
            with self.assertRaises(grpc.RpcError) as raised:
                acquire(NO_UTF8, timeout=harness.CALL_SECONDS)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertTrue(acquire(GOOD_REQUEST, timeout=harness.CALL_SECONDS))
        self.assertEqual(self.server.stop(), 0, "it obeys SIGTERM within the drain's time")

    def test_every_line_on_stderr_is_the_logs_own(self):
        acquire = self.raw_acquire(self.start_service())
        with self.assertRaises(grpc.RpcError):
            acquire(NO_UTF8, timeout=harness.CALL_SECONDS)
        self.assertEqual(self.server.stop(), 0)
        lines = self.server.log().splitlines()
        self.assertTrue(any('"protobuf_log"' in line for line in lines))
        for line in lines:
            self.assertRegex(line, r'^\{"time":".*\}$')

    def test_a_reload_is_made_good_once_the_secret_file_is_there_that_it_lacked(self):
        self.start_service()
        config = self.folder / "tokensvc.yaml"
        late = self.folder / "late.secret"
        changed = self.folder / "tokensvc.yaml.new"
        changed.write_text(config.read_text().replace("orders.secret", late.name))
        changed.rename(config)
        self.server.wait_for_log('"configuration_refused"')
        self.secret_file(late.name, "CANARY-secret-of-orders")
        self.server.wait_for_log('"configuration_reloaded"')
        self.assertEqual(self.server.log().count('"configuration_refused"'), 1)

    def test_sighup_opens_the_audit_file_anew(self):
        log, moved = self.folder / "audit.log", self.folder / "audit.log.1"
        address = self.start_service(audit={"file": {"path": str(log)}, "mode": "fail_closed"})
        acquire = self.raw_acquire(address)
        acquire(GOOD_REQUEST, timeout=harness.CALL_SECONDS)
        log.rename(moved)
        acquire(GOOD_REQUEST, timeout=harness.CALL_SECONDS)
        self.server.signal(signal.SIGHUP)
        self.server.wait_for_log('"audit_reopened"')
        acquire(GOOD_REQUEST, timeout=harness.CALL_SECONDS)
        self.assertEqual(self.server.stop(), 0)
        for path, count in ((moved, 2), (log, 1)):
            records = [json.loads(line) for line in path.read_text().splitlines()]
            self.assertEqual([record["decision"] for record in records], ["allow"] * count)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_audit_records_on_stdout_are_all_that_is_there(self):
        acquire = self.raw_acquire(self.start_service(audit={"stdout": {}}))
        acquire(GOOD_REQUEST, timeout=harness.CALL_SECONDS)
        acquire(GOOD_REQUEST, timeout=harness.CALL_SECONDS)
        self.assertEqual(self.server.stop(), 0)
        records = [json.loads(line) for line in self.server.stdout_lines]
        self.assertEqual(sum(record.get("count", 1) for record in records), 2)

    def test_descriptors_that_are_closed_at_the_start_are_given_to_nothing_else(self):
        """Or audit records and log lines would go into whatever got their numbers, a socket for example."""
        ready = self.folder / "server.ready"
        secret = self.secret_file("orders.secret", "CANARY-secret-of-orders")
        config = self.folder / "tokensvc.yaml"
        config.write_text(json.dumps({
            "listeners": [{"name": "local", "address": "127.0.0.1:0", "identity": "tests", "plaintext": {}}],
            "policy": {"rules": [{"name": "all", **{each: ["*"] for each in (
                "callers", "registrations", "tenants", "grants", "scopes")}}]},
            "audit": {"stdout": {}},
            "authorities": [{"name": "dev", "entra": {"base_url": "https://127.0.0.1:1"}}],
            "registrations": [{
                "name": "orders", "authority": "dev", "client_id": "orders-service",
                "tenants": [harness.TENANT], "credentials": [{"secret": {"value": f"file:{secret}"}}]}],
        }))
        server = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', self.program("service/tokensvc-server"), "--config", config,
             "--ready-file", ready], env=harness.environment())
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        deadline = time.monotonic() + harness.READY_SECONDS
        while not ready.exists():
            self.assertIsNone(server.poll())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        for number in (0, 1, 2):
            self.assertEqual(os.readlink(f"/proc/{server.pid}/fd/{number}"), "/dev/null")


if __name__ == "__main__":
    unittest.main(verbosity=2)
