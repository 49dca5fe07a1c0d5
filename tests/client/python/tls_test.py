# SPDX-License-Identifier: Apache-2.0
"""The Python client's TLS options against a listener with TLS, in this process."""

import pathlib
import tempfile
import unittest
from concurrent import futures

import certificates
import package

package.install()

import grpc  # noqa: E402
from tokensvc import TokenServiceClient, TokenServiceError  # noqa: E402
from tokensvc.v1 import token_pb2, token_service_pb2, token_service_pb2_grpc  # noqa: E402

SCOPE = "api://orders/.default"
SECONDS = 30


class FakeTokenService(token_service_pb2_grpc.TokenServiceServicer):
    """Answers one token, and remembers who asked."""

    def __init__(self):
        self.callers = []

    def AcquireForClient(self, request, context):  # noqa: N802  (the contract's name)
        self.callers.append(context.auth_context().get("x509_common_name"))
        answer = token_service_pb2.AcquireForClientResponse()
        answer.access_token.value = "CANARY-token"
        answer.access_token.token_type = token_pb2.TOKEN_TYPE_BEARER
        answer.access_token.expires_at.GetCurrentTime()
        answer.access_token.expires_at.seconds += 3600
        return answer


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="tokensvc-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.authority = certificates.Authority(cls.folder)
        cls.server_files = cls.authority.issue("server")
        cls.client_files = dict(zip(("certificate_file", "private_key_file"), cls.authority.issue("orders")))

    def start(self, files=None, clients=None):
        """A server whose clients must show a certificate of `clients`; its address."""
        self.service = FakeTokenService()
        certificate, key = (path.read_bytes() for path in files or self.server_files)
        credentials = grpc.ssl_server_credentials(
            [(key, certificate)], clients.ca_file.read_bytes() if clients else None, clients is not None)
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
        token_service_pb2_grpc.add_TokenServiceServicer_to_server(self.service, server)
        port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        self.addCleanup(lambda: server.stop(0).wait(SECONDS))
        return f"127.0.0.1:{port}"

    def header(self, address, **options):
        with TokenServiceClient(address, timeout=SECONDS, **options) as client:
            return client.get_authorization_header("orders", SCOPE)

    def assert_no_call(self, address, **options):
        with self.assertRaises(TokenServiceError) as raised:
            self.header(address, **options)
        self.assertEqual(raised.exception.code, grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(self.service.callers, [])

    def test_trusts_the_authority_of_ca_file(self):
        self.assertEqual(self.header(self.start(), ca_file=self.authority.ca_file), "Bearer CANARY-token")
        self.assertEqual(self.service.callers, [None])

    def test_shows_its_certificate_to_a_service_that_asks(self):
        address = self.start(clients=self.authority)
        header = self.header(address, ca_file=self.authority.ca_file, **self.client_files)
        self.assertEqual(header, "Bearer CANARY-token")
        self.assertEqual(self.service.callers, [[b"orders"]])

    def test_without_a_certificate_gets_nothing_from_a_service_that_asks(self):
        self.assert_no_call(self.start(clients=self.authority), ca_file=self.authority.ca_file)

    def test_a_certificate_of_another_authority_gets_nothing(self):
        stranger = certificates.Authority(self.folder, "stranger")
        files = dict(zip(("certificate_file", "private_key_file"), stranger.issue("strange-client")))
        self.assert_no_call(self.start(clients=self.authority), ca_file=self.authority.ca_file, **files)

    def test_asks_no_service_of_another_authority(self):
        stranger = certificates.Authority(self.folder, "another")
        self.assert_no_call(self.start(), ca_file=stranger.ca_file)

    def test_asks_no_service_of_a_private_authority_that_it_was_not_told_to_trust(self):
        self.assert_no_call(self.start())

    def test_asks_no_service_of_another_name(self):
        elsewhere = self.authority.issue("elsewhere", "DNS:elsewhere.example")
        self.assert_no_call(self.start(elsewhere), ca_file=self.authority.ca_file)

    def test_sends_nothing_in_clear_to_a_service_with_tls(self):
        self.assert_no_call(self.start(), plaintext=True)

    def test_refuses_a_certificate_without_its_key(self):
        for option, path in self.client_files.items():
            with self.assertRaisesRegex(ValueError, "both or none"):
                self.header("127.0.0.1:1", ca_file=self.authority.ca_file, **{option: path})


if __name__ == "__main__":
    unittest.main(verbosity=2)
