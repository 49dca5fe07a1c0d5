# SPDX-License-Identifier: Apache-2.0
"""The service against an OpenID provider that this project did not write (tests/oidc_provider)."""

import base64
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import harness  # noqa: E402

# What form-encoding (RFC 6749 §2.3.1) has to carry through a Basic header.
SECRET = "CANARY: +%/=&"
POST_SECRET = "CANARY-post +%&="


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class OidcProviderTest(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        self.node = os.environ.get("TOKENSVC_NODE22")
        provider = os.environ.get("TOKENSVC_OIDC_PROVIDER_DIR")
        if not self.node or not provider:
            self.skipTest("TOKENSVC_NODE22 and TOKENSVC_OIDC_PROVIDER_DIR are not set: ./dev test sets them")
        self.script = pathlib.Path(provider) / "server.mjs"
        self.keys = {"RS256": self.make_rsa_key(), "ES256": self.make_ec_key()}
        self.start_provider()
        self.server, self.address = self.start_server(
            [{"name": "op", "oidc": {"issuer": self.issuer}}],
            [
                self.registration("basic", {"secret": self.secret("basic", SECRET, "basic")}),
                self.registration("post", {"secret": self.secret("post", POST_SECRET, "post")}),
                *(self.registration(f"jwt-{algorithm.lower()}", {"certificate": {
                    "certificate_file": str(self.folder / f"{algorithm}.crt"),
                    "private_key_file": str(self.folder / f"{algorithm}.key"),
                    "algorithm": algorithm,
                }}) for algorithm in self.keys),
            ])
        self.addCleanup(self.assert_not_logged, "CANARY", self.server)  # However the rest is encoded.

    def registration(self, name, credential):
        return {"name": name, "authority": "op", "client_id": f"client-{name}", "credentials": [credential]}

    def secret(self, name, secret, method):
        return {"value": f"file:{self.secret_file(f'{name}.secret', secret)}", "method": method}

    def openssl(self, *arguments):
        return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
                              timeout=harness.CALL_SECONDS).stdout

    def make_certificate(self, algorithm, *key_options):
        key = self.folder / f"{algorithm}.key"
        self.openssl("req", "-x509", "-nodes", "-subj", "/CN=client", "-days", "2", *key_options,
                     "-keyout", key, "-out", self.folder / f"{algorithm}.crt")
        key.chmod(0o600)
        return key

    def make_rsa_key(self):
        key = self.make_certificate("RS256", "-newkey", "rsa:2048")
        modulus = self.openssl("rsa", "-in", key, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"kty": "RSA", "n": base64url(bytes.fromhex(modulus)), "e": "AQAB", "use": "sig"}

    def make_ec_key(self):
        key = self.make_certificate("ES256", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        # The last 64 bytes of the SubjectPublicKeyInfo of an uncompressed P-256 point are x and y.
        point = self.openssl("pkey", "-in", key, "-pubout", "-outform", "DER")[-64:]
        return {"kty": "EC", "crv": "P-256", "x": base64url(point[:32]), "y": base64url(point[32:]),
                "use": "sig"}

    def start_provider(self):
        setup = {"clients": [
            {"client_id": "client-basic", "auth_method": "client_secret_basic", "client_secret": SECRET},
            {"client_id": "client-post", "auth_method": "client_secret_post", "client_secret": POST_SECRET},
            *({"client_id": f"client-jwt-{algorithm.lower()}", "auth_method": "private_key_jwt",
               "jwks": {"keys": [{**key, "alg": algorithm}]}} for algorithm, key in self.keys.items()),
        ]}
        self.provider = self.start("oidc_provider", [self.node, self.script], stdin_line=json.dumps(setup))
        ready = json.loads(self.provider.wait_for_line())
        self.assertEqual(ready["event"], "ready")
        self.issuer = ready["issuer"]

    def acquire(self, registration, scope="api:read"):
        done = harness.run([
            self.program("client/tokenctl"), "--address", self.address, "--output", "json", "acquire",
            "--registration", registration, "--scope", scope, "--show-token",
        ])
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}\n{self.server.log()[-4000:]}")
        return json.loads(done.stdout)

    def acquires_once(self, registration, authentication):
        first = self.acquire(registration)
        self.assertEqual(first["source"], "authority")
        event = json.loads(self.provider.wait_for_line())
        self.assertEqual(
            (event["client_id"], event["authentication"], event["status"]),
            (f"client-{registration}", authentication, 200))
        token = first["access_token"]["value"]
        claims = claims_of(token)
        self.assertEqual(claims["iss"], self.issuer)
        self.assertEqual(claims["scope"], "api:read")
        self.assertEqual(claims["client_id"], f"client-{registration}")
        second = self.acquire(registration)
        self.assertEqual(second["source"], "local_cache")
        self.assertEqual(second["access_token"]["value"], token)
        self.assert_not_logged(token, self.server)

    def test_client_secret_basic(self):
        self.acquires_once("basic", "client_secret_basic")

    def test_client_secret_post(self):
        self.acquires_once("post", "client_secret_post")

    def test_private_key_jwt_rs256(self):
        self.acquires_once("jwt-rs256", "private_key_jwt")

    def test_private_key_jwt_es256(self):
        self.acquires_once("jwt-es256", "private_key_jwt")

    def test_each_scope_has_its_own_token(self):
        first = self.acquire("basic")
        other = self.acquire("basic", scope="api:write")
        self.assertEqual(other["source"], "authority")
        self.assertEqual(claims_of(other["access_token"]["value"])["scope"], "api:write")
        self.assertNotEqual(other["access_token"]["value"], first["access_token"]["value"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
