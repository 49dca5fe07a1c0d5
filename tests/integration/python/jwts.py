# SPDX-License-Identifier: Apache-2.0
"""JWTs of a test's own issuer, signed by openssl when the test runs."""

import base64
import json
import pathlib
import subprocess
import time

_SECONDS = 30
AUDIENCE = "tokensvc"


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An issuer with one RSA key; `jwks_file` is its key set."""

    def __init__(self, folder, issuer="https://issuer.example"):
        self.issuer = issuer
        self._key = pathlib.Path(folder) / "issuer.key"
        self._openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self._key)
        modulus = self._openssl("rsa", "-in", self._key, "-noout", "-modulus").decode().strip().removeprefix("Modulus=")
        self.jwks_file = pathlib.Path(folder) / "issuer.json"
        self.jwks_file.write_text(json.dumps({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": _base64url(bytes.fromhex(modulus)),
            "e": "AQAB"}]}))

    def sign(self, subject, lifetime=600):
        """A JWT for `subject` that ends in `lifetime` seconds; a negative one is expired."""
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": subject, "aud": AUDIENCE, "iat": now - 600, "exp": now + lifetime}
        signed = ".".join(_base64url(json.dumps(part).encode())
                          for part in ({"alg": "RS256", "kid": "1", "typ": "JWT"}, claims))
        return f"{signed}.{_base64url(self._openssl('dgst', '-sha256', '-sign', self._key, stdin=signed.encode()))}"

    @staticmethod
    def _openssl(*arguments, stdin=b""):
        return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, input=stdin,
                              timeout=_SECONDS).stdout
