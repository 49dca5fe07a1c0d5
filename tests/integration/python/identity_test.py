# SPDX-License-Identifier: Apache-2.0
"""Clients say who they are to the real service: the Python package, tokenctl, and `buf curl`, by client certificate,
by JWT and by Unix socket, with files that are replaced while they run. Whom the service took them for shows in what
the policy lets them have."""

import json
import os
import sys
import unittest

import harness
import jwts

sys.path.insert(0, str(harness.ROOT / "tests/client/python"))
import certificates  # noqa: E402  (they are with the package's other tests)
import package  # noqa: E402

package.install()

from tokensvc import Token, TokenRequest, TokenServiceClient, TokenServiceError  # noqa: E402

SCOPE = "api://orders-api/.default"
SECRET = "CANARY-secret-of-orders"
METHOD = "tokensvc.v1.TokenService/AcquireForClient"


class IdentityTest(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        self.authority = certificates.Authority(self.folder)
        self.issuer = jwts.Issuer(self.folder)
        certificate, key = self.authority.issue("server")
        tls = {"certificate_file": str(certificate), "private_key_file": str(key)}
        secret_file = self.secret_file("orders.secret", SECRET)
        _, url = self.start_authority("orders-service", secret_file)
        self.socket = f"unix:{self.folder}/s"
        everything = {each: ["*"] for each in ("registrations", "tenants", "grants", "scopes")}
        self.server, self.addresses = self.start_server_with({
            "listeners": [
                {"name": "mesh", "address": "127.0.0.1:0", "client_certificates": {}, "reflection": True,
                 "tls": {**tls, "client_ca_file": str(self.authority.ca_file)}},
                {"name": "jwts", "address": "127.0.0.1:0", "tls": tls, "jwt": {"issuers": ["main"]},
                 "reflection": True, "unauthenticated_peers": "accept_risk"},
                {"name": "sidecar", "unix_socket": {"path": f"{self.folder}/s"}, "identity": "sidecar"},
            ],
            "jwt_issuers": [{"name": "main", "issuer": self.issuer.issuer, "audiences": [jwts.AUDIENCE],
                             "jwks_file": str(self.issuer.jwks_file)}],
            "policy": {"rules": [{"name": "orders", **everything,
                                  "callers": ["spiffe://prod.example/orders", "jwt:main:orders", "local:sidecar"]}]},
            "authorities": [{"name": "dev", "entra": {"base_url": url, "instance_discovery": False}}],
            "registrations": [{
                "name": "orders", "authority": "dev", "client_id": "orders-service", "tenants": [harness.TENANT],
                "default_tenant": harness.TENANT, "near_cache": "0s",  # Every header is a call.
                "credentials": [{"secret": {"value": f"file:{secret_file}", "method": "post"}}],
            }],
        })
        self.ca_file = self.authority.ca_file

    def show(self, name, authority=None):
        """Puts a certificate of `name` where clients look for theirs."""
        files = (authority or self.authority).issue(name, f"URI:spiffe://prod.example/{name}")
        for made, shown in zip(files, ("shown.pem", "shown.key"), strict=True):
            made.rename(self.folder / shown)
        return {"certificate_file": self.folder / "shown.pem", "private_key_file": self.folder / "shown.key"}

    def show_jwt(self, *arguments):
        new = self.folder / "shown.jwt.new"
        new.write_text(self.issuer.sign(*arguments))
        return {"jwt_file": new.rename(self.folder / "shown.jwt")}

    def client(self, address, **options):
        client = TokenServiceClient(address, timeout=harness.CALL_SECONDS, **options)
        self.addCleanup(client.close)
        return client

    def assert_served(self, client):
        self.assertTrue(client.get_authorization_header("orders", SCOPE).startswith("Bearer ey"))
        [token] = client.batch_acquire_for_client([TokenRequest("orders", SCOPE)])
        self.assertIsInstance(token, Token)

    def refusal(self, client):
        with self.assertRaises(TokenServiceError) as raised:
            client.get_authorization_header("orders", SCOPE)
        return raised.exception

    def tokenctl(self, *connection, **env):
        return harness.run([self.program("client/tokenctl"), *connection, "acquire", "--registration", "orders",
                            "--scope", SCOPE], **env)

    def test_the_python_client_shows_the_certificate_that_is_there(self):
        client = self.client(self.addresses["mesh"], ca_file=self.ca_file, **self.show("stranger"))
        self.assertEqual(self.refusal(client).reason, "POLICY_DENIED")
        self.show("orders")
        self.assert_served(client)
        (self.folder / "shown.key").write_text("half")
        self.assert_served(client)
        self.show("stranger")
        self.assertEqual(self.refusal(client).reason, "POLICY_DENIED")

    def test_the_python_client_carries_the_jwt_that_is_there(self):
        client = self.client(self.addresses["jwts"], ca_file=self.ca_file, **self.show_jwt("stranger"))
        self.assertEqual(self.refusal(client).reason, "POLICY_DENIED")
        self.show_jwt("orders")
        self.assert_served(client)
        (self.folder / "shown.jwt").write_text("half.a")
        self.assert_served(client)
        self.show_jwt("orders", -1)
        refused = self.refusal(client)
        self.assertEqual((refused.code.name, refused.reason), ("UNAUTHENTICATED", "UNAUTHENTICATED"))
        self.show_jwt("orders")
        self.assert_served(client)
        self.assert_not_logged((self.folder / "shown.jwt").read_text().split(".")[2], self.server)

    def test_the_python_client_uses_a_unix_socket(self):
        self.assert_served(self.client(self.socket))

    def test_the_python_client_says_why_it_reaches_nobody(self):
        stranger = certificates.Authority(self.folder, "strange")
        wrong_ca = self.client(self.addresses["mesh"], ca_file=stranger.ca_file, **self.show("orders"))
        self.assertIn("certificate verify failed", str(self.refusal(wrong_ca)))
        untrusted = self.client(self.addresses["mesh"], ca_file=self.ca_file, **self.show("orders", stranger))
        self.assertEqual(self.refusal(untrusted).code.name, "UNAVAILABLE")

    def test_tokenctl_shows_a_certificate(self):
        mesh = ("--address", self.addresses["mesh"], "--tls", "--ca-file", self.ca_file)
        nobody = self.tokenctl(*mesh)
        self.assertEqual(nobody.returncode, 3, nobody.stderr)
        self.assertIn("--client-certificate", nobody.stderr)
        shown = self.show("orders")
        certificate, key = shown["certificate_file"], shown["private_key_file"]
        served = self.tokenctl(*mesh, "--client-certificate", certificate, "--client-key", key)
        self.assertEqual(served.returncode, 0, served.stderr)
        served = self.tokenctl("--address", self.addresses["mesh"], TOKENSVC_TLS="1", TOKENSVC_CA_FILE=str(self.ca_file),
                               TOKENSVC_CLIENT_CERTIFICATE=str(certificate), TOKENSVC_CLIENT_KEY=str(key))
        self.assertEqual(served.returncode, 0, served.stderr)
        self.show("stranger")
        denied = self.tokenctl(*mesh, "--client-certificate", certificate, "--client-key", key)
        self.assertEqual(denied.returncode, 1, denied.stderr)
        self.assertIn("POLICY_DENIED", denied.stderr)

    def test_tokenctl_carries_a_jwt(self):
        to_jwts = ("--address", self.addresses["jwts"], "--tls", "--ca-file", self.ca_file)
        nobody = self.tokenctl(*to_jwts)
        self.assertEqual(nobody.returncode, 1, nobody.stderr)
        self.assertIn("--jwt-file", nobody.stderr)
        jwt_file = self.show_jwt("orders")["jwt_file"]
        for connection, env in ((("--jwt-file", jwt_file), {}), ((), {"TOKENSVC_JWT_FILE": str(jwt_file)})):
            served = self.tokenctl(*to_jwts, *connection, **env)
            self.assertEqual(served.returncode, 0, served.stderr)
        check = harness.run([self.program("client/tokenctl"), *to_jwts, "--jwt-file", jwt_file, "check",
                             "--registration", "orders", "--scope", SCOPE])
        self.assertEqual(check.returncode, 0, check.stdout)
        self.assertIn("over TLS with your JWT", check.stdout)

    def test_tokenctl_uses_a_unix_socket(self):
        served = self.tokenctl("--address", self.socket)
        self.assertEqual(served.returncode, 0, served.stderr)

    def test_buf_curl_shows_a_certificate_or_a_jwt(self):
        buf = os.environ.get("TOKENSVC_BUF")
        if not buf:
            self.skipTest("TOKENSVC_BUF is not set: ./dev test installs buf and sets it")
        request = json.dumps({"registration": "orders", "scopes": [SCOPE]})
        shown, jwt = self.show("orders"), self.show_jwt("orders")["jwt_file"].read_text()
        identities = {
            "mesh": ["--cert", shown["certificate_file"], "--key", shown["private_key_file"]],
            "jwts": ["--header", f"authorization: Bearer {jwt}"],
        }
        for listener, identity in identities.items():
            served = harness.run([buf, "curl", "--protocol", "grpc", "--cacert", self.ca_file, *identity, "--data",
                                  request, f"https://{self.addresses[listener]}/{METHOD}"], HOME=str(self.folder))
            self.assertEqual(served.returncode, 0, served.stderr)
            self.assertTrue(json.loads(served.stdout)["accessToken"]["value"].startswith("ey"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
