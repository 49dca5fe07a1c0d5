# SPDX-License-Identifier: Apache-2.0
"""How a client's calls reach the service, and what they show of the client (as client/rpc/connection.h)."""

import contextlib
import dataclasses
import os
import threading
from collections.abc import Iterator

import grpc

from tokensvc import _identity_files
from tokensvc._channel import check_address, has_tls, make_channel
from tokensvc._followed_files import ChangedError, FollowedFiles, read
from tokensvc.v1 import token_service_pb2_grpc

Metadata = tuple[tuple[str, str], ...]


@dataclasses.dataclass(eq=False)
class _OpenChannel:
    channel: grpc.Channel
    stub: token_service_pb2_grpc.TokenServiceStub
    calls: int = 0
    retired: bool = False


class Connection:
    """A channel, made anew when a file that it was made of changes, and the JWT that goes with calls.

    The next call after a change goes over the new channel; the old one ends with its last call. Thread-safe.
    """

    def __init__(self, address: str, *, plaintext: bool, ca_file: str | os.PathLike[str] | None,
                 certificate_file: str | os.PathLike[str] | None,
                 private_key_file: str | os.PathLike[str] | None,
                 jwt_file: str | os.PathLike[str] | None) -> None:
        """ValueError or OSError: an option or a file can't be used."""
        check_address(address, plaintext)
        self._address = address
        self._plaintext = plaintext
        self._lock = threading.Lock()
        self._closed = False
        # Each followed by itself: a bad file of one kind does not hold up the others.
        self._ca: FollowedFiles[bytes] | None = None
        self._pair: FollowedFiles[tuple[bytes, bytes]] | None = None
        self._authorization: FollowedFiles[str] | None = None
        if ca_file is not None:
            self._ca = FollowedFiles({"ca_file": ca_file}, _identity_files.MAX_PEM_BYTES, _identity_files.ca_of)
        if (certificate_file is None) != (private_key_file is None):
            raise ValueError("certificate_file and private_key_file: both or none")
        if certificate_file is not None and private_key_file is not None:
            self._pair = _follow_pair(certificate_file, private_key_file)
        if (self._ca is not None or self._pair is not None) and not has_tls(address, plaintext):
            raise ValueError("ca_file and certificate_file are for TLS: there is none with plaintext or unix:PATH")
        if jwt_file is not None:
            self._authorization = FollowedFiles({"jwt_file": jwt_file}, _identity_files.MAX_JWT_BYTES,
                                                _identity_files.bearer_of)
        self._material = self._material_in_force()
        self._newest = self._make()
        self._open = {self._newest}

    @contextlib.contextmanager
    def for_call(self) -> Iterator[tuple[token_service_pb2_grpc.TokenServiceStub, Metadata | None]]:
        """The stub and the metadata of one call, which is to end within the context."""
        for files in (self._ca, self._pair):
            if files is not None:
                files.current()
        metadata = None if self._authorization is None else (("authorization", self._authorization.current()),)
        with self._lock:
            if self._closed:
                raise ValueError("the client is closed")
            # What is in force only now, or a thread that looked earlier would bring back the former.
            material = self._material_in_force()
            if material != self._material:
                self._retire(self._newest)
                self._material = material
                self._newest = self._make()
                self._open.add(self._newest)
            opened = self._newest
            opened.calls += 1
        try:
            yield opened.stub, metadata
        finally:
            with self._lock:
                opened.calls -= 1
                if opened.retired and opened.calls == 0:
                    self._end(opened)

    def refusal(self) -> str:
        """Why a file that changed was not taken over; empty: all are."""
        for files in (self._ca, self._pair, self._authorization):
            reason = "" if files is None else files.refusal()
            if reason:
                return reason
        return ""

    def close(self) -> None:
        """Ends running calls."""
        with self._lock:
            self._closed = True
            ending = tuple(self._open)
        for opened in ending:
            opened.channel.close()

    def _material_in_force(self) -> tuple[bytes | None, tuple[bytes, bytes] | None]:
        return (None if self._ca is None else self._ca.in_force(),
                None if self._pair is None else self._pair.in_force())

    def _make(self) -> _OpenChannel:
        ca, pair = self._material
        channel = make_channel(self._address, plaintext=self._plaintext, ca=ca, pair=pair)
        return _OpenChannel(channel, token_service_pb2_grpc.TokenServiceStub(channel))

    def _retire(self, opened: _OpenChannel) -> None:
        opened.retired = True
        if opened.calls == 0:
            self._end(opened)

    def _end(self, opened: _OpenChannel) -> None:
        self._open.discard(opened)
        opened.channel.close()


def _follow_pair(certificate_file: str | os.PathLike[str],
                 private_key_file: str | os.PathLike[str]) -> FollowedFiles[tuple[bytes, bytes]]:
    files = {"certificate_file": os.fspath(certificate_file), "private_key_file": os.fspath(private_key_file)}

    def make(certificate: bytes, key: bytes) -> tuple[bytes, bytes]:
        _identity_files.check_certificates("certificate_file", certificate)
        _identity_files.check_key_pair(**files)
        # The check takes files, no bytes: only if they are still the same, it was these that it has seen.
        for (option, path), content in zip(files.items(), (certificate, key), strict=True):
            if read(option, path, _identity_files.MAX_PEM_BYTES)[1] != content:
                raise ChangedError(f"{option}: changed while it was being read")
        return certificate, key

    return FollowedFiles(files, _identity_files.MAX_PEM_BYTES, make)
