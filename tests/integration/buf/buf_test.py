# SPDX-License-Identifier: Apache-2.0
"""A client that nobody here wrote, and that has no .proto file of ours: `buf curl` through reflection."""

import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import harness  # noqa: E402

SCOPE = "api://orders-api/.default"


class BufTest(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        self.buf = os.environ.get("TOKENSVC_BUF")
        if not self.buf:
            self.skipTest("TOKENSVC_BUF is not set: ./dev test installs buf and sets it")
        self.url = f"http://{self.start_service()}"

    def curl(self, *arguments):
        return harness.run(
            [self.buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *arguments],
            HOME=str(self.folder))

    def call(self, method, message):
        return self.curl("--data", json.dumps(message), f"{self.url}/{method}")

    def acquire(self, **fields):
        return self.call("tokensvc.v1.TokenService/AcquireForClient",
                         {"registration": "orders", "scopes": [SCOPE], **fields})

    def test_lists_the_services(self):
        listed = self.curl("--list-services", self.url)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("tokensvc.v1.TokenService", listed.stdout.split())

    def test_acquires_from_the_authority_then_from_the_local_cache(self):
        first = self.acquire()
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(json.loads(first.stdout)["source"], "TOKEN_SOURCE_AUTHORITY")
        second = json.loads(self.acquire().stdout)
        self.assertEqual(second["source"], "TOKEN_SOURCE_LOCAL_CACHE")
        self.assertEqual(second["accessToken"]["value"], json.loads(first.stdout)["accessToken"]["value"])

    def test_creates_the_authorization_header(self):
        made = self.call("tokensvc.v1.TokenService/CreateAuthorizationHeader",
                         {"app": {}, "registration": "orders", "scopes": [SCOPE]})
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertTrue(json.loads(made.stdout)["headers"][0]["value"].startswith("Bearer "))

    def test_shows_a_readable_error_for_a_bad_request(self):
        refused = self.acquire(scopes=["user.read"])
        self.assertNotEqual(refused.returncode, 0)
        error = json.loads(refused.stderr)
        self.assertEqual(error["code"], "invalid_argument")
        self.assertTrue(error["message"])
        types = [detail["type"] for detail in error["details"]]
        self.assertIn("google.rpc.ErrorInfo", types)
        self.assertIn("google.rpc.BadRequest", types)

    def test_asks_for_health(self):
        for service in ("live", "ready"):
            health = self.call("grpc.health.v1.Health/Check", {"service": service})
            self.assertEqual(health.returncode, 0, health.stderr)
            self.assertEqual(json.loads(health.stdout)["status"], "SERVING")


if __name__ == "__main__":
    unittest.main(verbosity=2)
