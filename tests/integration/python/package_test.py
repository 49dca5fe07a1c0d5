# SPDX-License-Identifier: Apache-2.0
"""The Python client package against the real service and the development authority."""

import sys
import time
import unittest

import harness

sys.path.insert(0, str(harness.ROOT / "tests/client/python"))
import certificates  # noqa: E402  (they are with the package's other tests)
import package  # noqa: E402

package.install()

from tokensvc import TokenServiceClient, TokenServiceCredential, TokenServiceError  # noqa: E402

SCOPE = "api://orders-api/.default"


class PackageTest(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        self.client = TokenServiceClient(self.start_service(), plaintext=True)
        self.addCleanup(self.client.close)

    def test_keeps_the_token_for_headers_while_the_service_is_away(self):
        header = self.client.get_authorization_header("orders", SCOPE)
        self.assertTrue(header.startswith("Bearer ey"))
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(self.client.get_authorization_header("orders", SCOPE), header)
        self.assert_not_logged(header.removeprefix("Bearer "), self.server)

    def test_says_what_is_known_of_the_token(self):
        token = self.client.acquire_for_client("orders", SCOPE, correlation_id="python-1")
        self.assertEqual((token.source, token.tenant, token.correlation_id),
                         ("AUTHORITY", harness.TENANT, "python-1"))
        self.assertTrue(time.time() < token.near_cache_until <= token.refresh_at < token.expires_at)

    def test_a_forced_refresh_replaces_the_token_for_every_header(self):
        first = self.client.acquire_for_client("orders", SCOPE)
        forced = self.client.acquire_for_client("orders", SCOPE, force_refresh=True)
        self.assertNotEqual(forced.value, first.value)
        self.assertEqual(self.client.acquire_for_client("orders", SCOPE).value, forced.value)

    def test_takes_the_service_s_errors_apart(self):
        with self.assertRaises(TokenServiceError) as raised:
            self.client.get_authorization_header("nobody", SCOPE)
        self.assertEqual((raised.exception.code.name, raised.exception.reason),
                         ("PERMISSION_DENIED", "POLICY_DENIED"))
        self.assertTrue(raised.exception.correlation_id)
        with self.assertRaises(TokenServiceError) as raised:
            self.client.get_authorization_header("orders", "user.read")
        self.assertTrue(raised.exception.field_violations[0].field.startswith("scopes"))

    def test_the_credential_gets_a_token(self):
        credential = TokenServiceCredential(self.client, "orders")
        token = credential.get_token(SCOPE, tenant_id=harness.TENANT)
        self.assertTrue(token.token.startswith("ey"))
        self.assertGreater(token.expires_on, time.time())


class TlsListenerTest(harness.ServiceTest):
    def test_gets_a_token_over_tls_and_trusts_nobody_else(self):
        authority = certificates.Authority(self.folder)
        certificate, key = authority.issue("server")
        address = self.start_service(tls={"certificate_file": str(certificate), "private_key_file": str(key)})
        with TokenServiceClient(address, ca_file=authority.ca_file) as client:
            self.assertTrue(client.get_authorization_header("orders", SCOPE).startswith("Bearer ey"))
        stranger = certificates.Authority(self.folder, "stranger")
        with TokenServiceClient(address, ca_file=stranger.ca_file) as client:
            with self.assertRaises(TokenServiceError) as raised:
                client.get_authorization_header("orders", SCOPE)
        self.assertEqual(raised.exception.code.name, "UNAVAILABLE")


if __name__ == "__main__":
    unittest.main(verbosity=2)
