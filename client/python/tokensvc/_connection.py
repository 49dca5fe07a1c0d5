# SPDX-License-Identifier: Apache-2.0
"""How a client's calls reach the service, and what they show of the client (as client/rpc/connection.h)."""

import contextlib
import dataclasses
import os
import threading
from collections.abc import Iterator

import grpc

from tokensvc import _identity_files
from tokensvc._channel import has_tls, make_channel
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
        if (certificate_file is None) != (private_key_file is None):
            raise ValueError("certificate_file and private_key_file: both or none")
        files = {option: path for option, path in (
            ("ca_file", ca_file), ("certificate_file", certificate_file), ("private_key_file", private_key_file),
        ) if path is not None}
        if files and not has_tls(address, plaintext):
            raise ValueError("ca_file and certificate_file are for TLS: there is none with plaintext or unix:PATH")
        self._address = address
        self._plaintext = plaintext
        self._files = files
        self._lock = threading.Lock()
        self._closed = False
        self._authorization = None if jwt_file is None else FollowedFiles(
            {"jwt_file": jwt_file}, _identity_files.MAX_JWT_BYTES,
            lambda contents: _identity_files.bearer_of(contents[0]))
        self._channels = FollowedFiles(files, _identity_files.MAX_PEM_BYTES, self._make)
        self._newest = self._channels.current()
        self._open = {self._newest}

    @contextlib.contextmanager
    def for_call(self) -> Iterator[tuple[token_service_pb2_grpc.TokenServiceStub, Metadata | None]]:
        """The stub and the metadata of one call, which is to end within the context."""
        opened = self._channels.current()
        with self._lock:
            if opened.retired:  # Another thread has seen a newer one since.
                opened = self._newest
            elif opened is not self._newest:
                self._retire(self._newest)
                self._newest = opened
                self._open.add(opened)
            if self._closed:
                opened.channel.close()
                raise ValueError("the client is closed")
            opened.calls += 1
        try:
            yield opened.stub, self._metadata()
        finally:
            with self._lock:
                opened.calls -= 1
                if opened.retired and opened.calls == 0:
                    self._end(opened)

    def refusal(self) -> str:
        """Why a file that changed was not taken over; empty: all are."""
        reason = self._channels.refusal()
        if not reason and self._authorization is not None:
            reason = self._authorization.refusal()
        return reason

    def close(self) -> None:
        """Ends running calls."""
        with self._lock:
            self._closed = True
            ending = tuple(self._open)
        for opened in ending:
            opened.channel.close()

    def _metadata(self) -> Metadata | None:
        return None if self._authorization is None else (("authorization", self._authorization.current()),)

    def _make(self, contents: list[bytes]) -> _OpenChannel:
        by_option = dict(zip(self._files, contents, strict=True))
        for option in ("ca_file", "certificate_file"):
            if option in by_option:
                _identity_files.check_certificates(option, by_option[option])
        if "private_key_file" in by_option:
            pair = {option: os.fspath(self._files[option]) for option in ("certificate_file", "private_key_file")}
            _identity_files.check_key_pair(**pair)
            # The check takes files, no bytes: only if they are still the same, it was these that it has seen.
            for option, path in pair.items():
                if read(option, path, _identity_files.MAX_PEM_BYTES)[1] != by_option[option]:
                    raise ChangedError(f"{option}: changed while it was being read")
        channel = make_channel(self._address, plaintext=self._plaintext, ca=by_option.get("ca_file"),
                               certificate=by_option.get("certificate_file"),
                               private_key=by_option.get("private_key_file"))
        return _OpenChannel(channel, token_service_pb2_grpc.TokenServiceStub(channel))

    def _retire(self, opened: _OpenChannel) -> None:
        opened.retired = True
        if opened.calls == 0:
            self._end(opened)

    def _end(self, opened: _OpenChannel) -> None:
        self._open.discard(opened)
        opened.channel.close()
