# SPDX-License-Identifier: Apache-2.0
"""Administration of a real process, as an operator does it: tokenctl over a Unix socket."""

import json
import unittest

import harness

SCOPE = "api://orders-api/.default"
CANARY = "CANARY-secret-of-orders"


class AdminTest(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        self.socket = self.folder / "admin.sock"
        self.start_service(
            secret=CANARY,
            listeners=[{"name": "admin", "unix_socket": {"path": str(self.socket)}, "identity": "root",
                        "serves": "admin"}],
            policy={"administrators": ["local:root"]})
        self.config = self.folder / "tokensvc.yaml"

    def tokenctl(self, *arguments, code=0):
        done = harness.run([self.program("client/tokenctl"), "--address", f"unix:{self.socket}",
                            "--output", "json", *arguments])
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn(CANARY, done.stdout)
        return json.loads(done.stdout)

    def replace(self, text):
        changed = self.folder / "tokensvc.yaml.new"
        changed.write_text(text)
        changed.rename(self.config)

    def test_a_reload_is_answered_by_what_became_of_it(self):
        good = self.config.read_text()
        self.assertEqual(self.tokenctl("admin", "reload")["outcome"], "unchanged")
        self.replace(good.replace('"name": "orders"', '"name": "CANARY no name"'))
        refused = self.tokenctl("admin", "reload", code=1)
        self.assertEqual(refused["outcome"], "refused")
        self.assertIn("registrations[0].name: ", refused["errors"][0])
        self.assertNotIn("CANARY", json.dumps(refused))
        self.replace(good.replace('"name": "all"', '"name": "everything"'))
        # The process may have seen the change by itself; what counts is what is in force.
        self.assertIn(self.tokenctl("admin", "reload")["outcome"], ("in_force", "unchanged"))
        ask = ["--caller", "local:tests", "--registration", "orders", "--scope", SCOPE]
        self.assertEqual(self.tokenctl("explain", *ask)["rule"], "everything")

    def test_looks_and_changes_work_from_the_command_line(self):
        self.assertIn("gRPC", self.tokenctl("admin", "build-info")["libraries"])
        shown = self.tokenctl("admin", "config", "--section", "registrations")
        self.assertIn("file:", shown["yaml"])
        self.assertEqual(self.tokenctl("admin", "cache")["local"]["entries"], 0)
        self.assertEqual(self.tokenctl("admin", "key-rings"), {})
        self.assertTrue(self.tokenctl("admin", "purge", "--registration", "orders")["purged"])
        denied = self.tokenctl("explain", "--caller", "local:tests", "--registration", "orders", "--tenant",
                               "contoso.com", "--scope", SCOPE, code=1)
        self.assertFalse(denied["allowed"])
        expectations = self.folder / "expectations.yaml"
        expectations.write_text(json.dumps({"expectations": [
            {"caller": "local:tests", "registration": "orders", "scopes": [SCOPE], "expect": "deny"}]}))
        self.assertEqual(self.tokenctl("admin", "test-policy", expectations, code=1)["wrong"], 1)

    def test_the_end_waits_for_no_administrator(self):
        self.tokenctl("admin", "reload")
        self.assertEqual(self.server.stop(), 0)
        self.assertFalse(self.socket.exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
