# SPDX-License-Identifier: Apache-2.0
"""Whether files hold what TLS and a service can use (as client/core/pem_checks.h and bearer_jwt.h).

gRPC takes whatever it is given, and every connection fails from then on. ValueErrors hold nothing of the files.
"""

import re
import ssl

MAX_PEM_BYTES = 4 << 20
# The service takes no longer ones, and the file may end in white space.
MAX_JWT_BYTES = (16 << 10) + 16

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_CERTIFICATE = re.compile(_BEGIN + rb"[^-]*-----END CERTIFICATE-----")
_PART = rb"[A-Za-z0-9_-]+"
_JWT = re.compile(rb"\.".join([_PART] * 3))


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "can't be read").replace("_", " ").lower()


def check_certificates(option: str, pem: bytes) -> None:
    """Whether `pem` holds certificates, and all of them can be read."""
    blocks = _CERTIFICATE.findall(pem)
    if not blocks or len(blocks) != pem.count(_BEGIN) or b"\0" in pem:
        raise ValueError(f"{option}: holds no certificate that can be read (PEM), or half of one")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=b"\n".join(blocks).decode())
    except ssl.SSLError as error:
        raise ValueError(f"{option}: one of the certificates can't be read: {_reason(error)}") from None
    except ValueError:
        raise ValueError(f"{option}: one of the certificates can't be read") from None


def ca_of(pem: bytes) -> bytes:
    """The content of `ca_file`, checked."""
    check_certificates("ca_file", pem)
    return pem


def check_key_pair(certificate_file: str, private_key_file: str) -> None:
    """Whether TLS can show the first certificate with the key (not encrypted), which must be its own."""
    def no_pass_phrase() -> str:  # OpenSSL would ask for one on the terminal.
        raise ValueError("private_key_file: has a pass phrase")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate_file, private_key_file, no_pass_phrase)
    except ssl.SSLError as error:
        raise ValueError(f"certificate_file and private_key_file: {_reason(error)}") from None
    except OSError as error:
        raise OSError(error.errno, f"certificate_file and private_key_file: {error.strerror}") from None


def bearer_of(content: bytes) -> str:
    """`Bearer <JWT>` of a file that holds a JWT in compact form; whether it is valid is for the service to say."""
    jwt = content.strip(b" \t\r\n\v\f")
    # What its writer has not finished mostly lacks a part, or ends within four characters.
    if not _JWT.fullmatch(jwt) or any(len(part) % 4 == 1 for part in jwt.split(b".")):
        raise ValueError(f"jwt_file: {'the file holds no JWT (three parts in base64url)' if jwt else 'the file is empty'}")
    return f"Bearer {jwt.decode()}"
