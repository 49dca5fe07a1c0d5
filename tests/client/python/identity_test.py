# SPDX-License-Identifier: Apache-2.0
"""What the Python client shows of itself, while the files that it is in are replaced under a running client."""

import os
import pathlib
import tempfile
import threading
import time
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
FIRST_JWT, SECOND_JWT = "eyJhIjoxfQ.eyJuIjoxfQ.Zmlyc3Q", "eyJhIjoxfQ.eyJuIjoyfQ.c2Vjb25k"


class FakeTokenService(token_service_pb2_grpc.TokenServiceServicer):
    """Answers tokens that nobody may keep, and remembers who asked."""

    def __init__(self):
        self.certificates, self.authorizations, self.refuse, self.gate = [], [], None, None

    def AcquireForClient(self, request, context):  # noqa: N802  (the contract's name)
        names = context.auth_context().get("x509_common_name", [b""])
        self.certificates.append(names[0].decode())
        self.authorizations.append(dict(context.invocation_metadata()).get("authorization"))
        if self.gate is not None:
            self.gate.wait(SECONDS)
        if self.refuse is not None:
            context.abort(self.refuse, "no")
        answer = token_service_pb2.AcquireForClientResponse()
        answer.access_token.value = "CANARY-token"
        answer.access_token.token_type = token_pb2.TOKEN_TYPE_BEARER
        answer.access_token.expires_at.GetCurrentTime()
        answer.access_token.expires_at.seconds += 3600
        return answer


class IdentityTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tokensvc-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.service = FakeTokenService()

    def write(self, name, content):
        """Replaced whole, by a rename."""
        path = self.folder / name
        new = self.folder / f"{name}.new"
        new.write_bytes(content if isinstance(content, bytes) else content.encode())
        return new.rename(path)

    def start(self, credentials=None, address="127.0.0.1:0"):
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        token_service_pb2_grpc.add_TokenServiceServicer_to_server(self.service, server)
        port = (server.add_insecure_port(address) if credentials is None
                else server.add_secure_port(address, credentials))
        server.start()
        self.addCleanup(lambda: server.stop(0).wait(SECONDS))
        return address if address.startswith("unix:") else f"127.0.0.1:{port}"

    def client(self, address, **options):
        client = TokenServiceClient(address, timeout=SECONDS, **options)
        self.addCleanup(client.close)
        return client

    def call(self, client):
        return client.get_authorization_header("orders", SCOPE, force_refresh=True)


class CertificateTest(IdentityTest):
    def setUp(self):
        super().setUp()
        self.authority = certificates.Authority(self.folder)
        certificate, key = (path.read_bytes() for path in self.authority.issue("server"))
        self.address = self.start(grpc.ssl_server_credentials(
            [(key, certificate)], self.authority.ca_file.read_bytes(), require_client_auth=True))
        self.issued = {name: [path.read_bytes() for path in self.authority.issue(name)] for name in ("first", "second")}
        self.options = {"ca_file": self.write("trusted.pem", self.authority.ca_file.read_bytes()), **self.show("first")}

    def show(self, name):
        certificate, key = self.issued[name]
        return {"certificate_file": self.write("shown.pem", certificate),
                "private_key_file": self.write("shown.key", key)}

    def test_the_next_call_shows_the_new_certificate(self):
        client = self.client(self.address, **self.options)
        self.call(client)
        self.show("second")
        self.call(client)
        self.call(client)
        self.assertEqual(self.service.certificates, ["first", "second", "second"])

    def test_a_certificate_without_its_key_or_garbage_leaves_the_old_in_force(self):
        client = self.client(self.address, **self.options)
        certificate, key = self.issued["second"]
        for content in (certificate, b"garbage", b"", certificate[:300], certificate + certificate[:300]):
            self.write("shown.pem", content)
            self.call(client)
        (self.folder / "shown.pem").unlink()
        self.call(client)
        self.assertEqual(set(self.service.certificates), {"first"})
        self.show("second")
        self.call(client)
        self.assertEqual(self.service.certificates[-1], "second")

    def test_a_link_is_swapped_as_kubernetes_does_it(self):
        for name in ("first", "second"):
            (self.folder / name).mkdir()
            for file, content in zip(("tls.crt", "tls.key"), self.issued[name], strict=True):
                (self.folder / name / file).write_bytes(content)
        data = self.folder / "..data"
        data.symlink_to("first")
        for file in ("tls.crt", "tls.key"):
            (self.folder / file).symlink_to(f"..data/{file}")
        client = self.client(self.address, ca_file=self.options["ca_file"], certificate_file=self.folder / "tls.crt",
                             private_key_file=self.folder / "tls.key")
        self.call(client)
        (self.folder / "..tmp").symlink_to("second")
        (self.folder / "..tmp").rename(data)
        self.call(client)
        self.assertEqual(self.service.certificates, ["first", "second"])

    def test_follows_whom_to_trust_and_says_what_is_wrong(self):
        client = self.client(self.address, **self.options)
        self.call(client)
        self.write("trusted.pem", "garbage")
        self.call(client)
        self.write("trusted.pem", certificates.Authority(self.folder, "stranger").ca_file.read_bytes())
        with self.assertRaises(TokenServiceError) as raised:
            self.call(client)
        self.assertEqual(raised.exception.code, grpc.StatusCode.UNAVAILABLE)
        self.assertIn("certificate verify failed", str(raised.exception))
        self.assertNotIn("ca_file", str(raised.exception))
        self.write("trusted.pem", "garbage")
        with self.assertRaises(TokenServiceError) as raised:
            self.call(client)
        self.assertIn("ca_file: holds no certificate", str(raised.exception))
        self.write("trusted.pem", self.authority.ca_file.read_bytes())
        self.call(client)

    def test_a_bad_file_of_one_kind_does_not_hold_up_the_others(self):
        client = self.client(self.address, jwt_file=self.write("jwt", FIRST_JWT), **self.options)
        self.show("second")
        self.write("trusted.pem", "garbage")
        self.write("jwt", "garbage")
        self.call(client)
        self.assertEqual((self.service.certificates, self.service.authorizations), (["second"], [f"Bearer {FIRST_JWT}"]))

    def test_a_call_that_runs_ends_on_the_connection_that_it_has(self):
        client = self.client(self.address, **self.options)
        self.service.gate = threading.Event()
        with futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(client.acquire_for_client, "orders", SCOPE)
            while not self.service.certificates:
                time.sleep(0.001)
            self.show("second")
            gate, self.service.gate = self.service.gate, None
            self.call(client)
            gate.set()
            self.assertEqual(running.result(SECONDS).value, "CANARY-token")
        self.assertEqual(self.service.certificates, ["first", "second"])

    def test_without_a_usable_pair_there_is_no_client(self):
        self.write("shown.key", self.issued["second"][1])
        with self.assertRaisesRegex(ValueError, "private_key_file: key values mismatch"):
            self.client(self.address, **self.options)
        self.write("shown.pem", "garbage")
        with self.assertRaisesRegex(ValueError, "certificate_file: holds no certificate"):
            self.client(self.address, **self.options)
        (self.folder / "shown.pem").unlink()
        with self.assertRaisesRegex(FileNotFoundError, "certificate_file: No such file"):
            self.client(self.address, **self.options)

    def test_nobody_is_asked_for_a_pass_phrase(self):
        self.authority.openssl("pkey", "-in", self.options["private_key_file"], "-aes256", "-passout", "pass:secret",
                                "-out", self.folder / "shown.key.new")
        (self.folder / "shown.key.new").rename(self.options["private_key_file"])
        with self.assertRaisesRegex(ValueError, "pass phrase"):
            self.client(self.address, **self.options)

    def test_there_is_no_tls_in_clear(self):
        for address, plaintext in (("127.0.0.1:1", True), (f"unix:{self.folder}/socket", False)):
            with self.assertRaisesRegex(ValueError, "are for TLS"):
                self.client(address, plaintext=plaintext, **self.options)


class JwtTest(IdentityTest):
    def setUp(self):
        super().setUp()
        self.jwt_file = self.write("jwt", f"{FIRST_JWT}\n")

    def plain(self):
        return self.client(self.start(), plaintext=True, jwt_file=self.jwt_file)

    def test_every_call_carries_the_jwt_that_is_in_the_file(self):
        client = self.plain()
        self.call(client)
        self.write("jwt", SECOND_JWT)
        self.call(client)
        self.assertEqual(self.service.authorizations, [f"Bearer {FIRST_JWT}", f"Bearer {SECOND_JWT}"])

    def test_goes_over_a_unix_socket_which_never_has_tls(self):
        client = self.client(self.start(address=f"unix:{self.folder}/socket"), jwt_file=self.jwt_file)
        self.call(client)
        self.assertEqual(self.service.authorizations, [f"Bearer {FIRST_JWT}"])

    def test_never_goes_in_clear_beyond_loopback(self):
        with self.assertRaisesRegex(ValueError, "in clear"):
            self.client("10.0.0.1:7443", plaintext=True, jwt_file=self.jwt_file)

    def test_a_bad_file_leaves_the_old_in_force_and_the_error_of_a_refused_call_says_so(self):
        client = self.plain()
        for content in ("", "CANARY", "eyJhIjoxfQ.eyJuIjoxfQ.", f"{FIRST_JWT}\r\nx-other: 1"):
            self.write("jwt", content)
            self.call(client)
        self.assertEqual(set(self.service.authorizations), {f"Bearer {FIRST_JWT}"})
        self.write("jwt", "CANARY")
        self.service.refuse = grpc.StatusCode.UNAUTHENTICATED
        with self.assertRaises(TokenServiceError) as raised:
            self.call(client)
        self.assertIn("jwt_file: the file holds no JWT", str(raised.exception))
        self.assertNotIn("CANARY", str(raised.exception))
        self.write("jwt", SECOND_JWT)
        with self.assertRaises(TokenServiceError) as raised:
            self.call(client)
        self.assertNotIn("jwt_file", str(raised.exception))
        self.assertEqual(self.service.authorizations[-1], f"Bearer {SECOND_JWT}")

    def test_without_a_usable_file_there_is_no_client_and_the_error_repeats_nothing(self):
        for content, wrong in (("CANARY", "holds no JWT"), ("", "is empty"), ("a" * 20000, "is too large")):
            self.write("jwt", content)
            with self.assertRaisesRegex(ValueError, f"jwt_file: the file {wrong}") as raised:
                self.plain()
            self.assertNotIn("CANARY", str(raised.exception))
        os.mkfifo(self.folder / "fifo")
        with self.assertRaisesRegex(ValueError, "not a regular file"):
            self.client("127.0.0.1:1", plaintext=True, jwt_file=self.folder / "fifo")
        # The JWT where its file's path belongs.
        with self.assertRaises(FileNotFoundError) as raised:
            self.client("127.0.0.1:1", plaintext=True, jwt_file="CANARY")
        self.assertNotIn("CANARY", str(raised.exception))

    def test_many_threads_call_while_the_file_is_replaced(self):
        client = self.plain()
        with futures.ThreadPoolExecutor(8) as pool:
            calls = []
            for number in range(40):
                self.write("jwt", (FIRST_JWT, SECOND_JWT, "half.")[number % 3])
                calls.append(pool.submit(self.call, client))
            for call in calls:
                self.assertEqual(call.result(SECONDS), "Bearer CANARY-token")
        self.assertLessEqual(set(self.service.authorizations), {f"Bearer {FIRST_JWT}", f"Bearer {SECOND_JWT}"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
