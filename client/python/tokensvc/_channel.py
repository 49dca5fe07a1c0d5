# SPDX-License-Identifier: Apache-2.0
"""How the service is reached (as client/rpc/channel.h)."""

import ipaddress
import re

import grpc

from tokensvc._version import __version__

# A full batch: 100 tokens of 64 KiB, each with what is known about it.
_MAX_ANSWER_BYTES = 8 << 20
_KEEPALIVE_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000

_HOST_PORT = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]{1,253})):(?P<port>[0-9]{1,5})")


def is_loopback(address: str) -> bool:
    """Whether what is sent to `address` stays on this machine; ValueError: it is no address."""
    if address.startswith("unix:") and len(address) > len("unix:"):
        return True
    match = _HOST_PORT.fullmatch(address)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise ValueError("address: must be HOST:PORT, [IPV6]:PORT or unix:PATH")
    if match["ipv6"] is not None:
        return ipaddress.IPv6Address(match["ipv6"]).is_loopback  # ValueError where it is none.
    if match["host"].lower() == "localhost":
        return True
    try:
        return ipaddress.IPv4Address(match["host"]).is_loopback
    except ValueError:  # A name such as 127.example.com is no address.
        return False


def has_tls(address: str, plaintext: bool) -> bool:
    """Whether calls go over TLS: always, but in clear over a Unix socket, and to loopback where that is said."""
    return not plaintext and not address.startswith("unix:")


def check_address(address: str, plaintext: bool) -> None:
    """ValueError: it is no address, or calls would go there in clear."""
    if not is_loopback(address) and plaintext:
        raise ValueError("plaintext: tokens and JWTs go in clear only to a loopback address or a Unix socket")


def make_channel(address: str, *, plaintext: bool, ca: bytes | None,
                 pair: tuple[bytes, bytes] | None) -> grpc.Channel:
    """Connects when the first call needs it. `pair`: certificate and key. All is checked already."""
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", _MAX_ANSWER_BYTES),
        ("grpc.primary_user_agent", f"tokensvc-python/{__version__}"),
        ("grpc.lb_policy_name", "round_robin"),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
    ]
    if is_loopback(address):
        options.append(("grpc.enable_http_proxy", 0))
    target = address if address.startswith("unix:") else f"dns:///{address}"
    if not has_tls(address, plaintext):
        return grpc.insecure_channel(target, options=options)
    certificate, key = pair or (None, None)
    credentials = grpc.ssl_channel_credentials(root_certificates=ca, private_key=key, certificate_chain=certificate)
    return grpc.secure_channel(target, credentials, options=options)
