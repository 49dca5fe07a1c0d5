# SPDX-License-Identifier: Apache-2.0
"""The client: one for a process."""

import os
import random
import threading
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import grpc

from tokensvc import _errors, _messages, _retry_policy
from tokensvc._connection import Connection
from tokensvc._errors import TokenServiceError
from tokensvc._near_cache import NearCache
from tokensvc._request import TokenRequest, parameters_of, scopes_of
from tokensvc._token import Token
from tokensvc.v1 import token_service_pb2

DEFAULT_TIMEOUT = 10.0
"""How many seconds a call may take, its retries included, unless the caller says otherwise."""

_LONGEST_TIMEOUT = 300.0


class TokenServiceClient:
    """Asks a Token Service for tokens and keeps them in memory for as long as it allows.

    Most tokens need no call; threads that need the same new one share one call. Revocation, purges and
    changes of policy reach a process as much later as its tokens are kept: that is the operator's setting
    (`near_cache` of a registration). Calls have a deadline, and are tried again where the service says when
    (RetryInfo of UNAVAILABLE and RESOURCE_EXHAUSTED), at most twice and before the deadline.

    Failures are TokenServiceError; wrong arguments and a closed client ValueError. Thread-safe. After
    os.fork(), make a new one in the child.
    """

    def __init__(self, address: str, *, plaintext: bool = False, ca_file: str | os.PathLike[str] | None = None,
                 certificate_file: str | os.PathLike[str] | None = None,
                 private_key_file: str | os.PathLike[str] | None = None,
                 jwt_file: str | os.PathLike[str] | None = None,
                 timeout: float = DEFAULT_TIMEOUT, max_tokens: int = 1000) -> None:
        """Connects when the first call needs it.

        `address`: HOST:PORT, [IPV6]:PORT or unix:PATH. `plaintext`: no TLS, for loopback only; a Unix socket
        never has TLS. `ca_file` (PEM): whom to trust instead of gRPC's own roots. Who the client is:
        `certificate_file` with `private_key_file` (PEM, without a pass phrase) in mutual TLS; `jwt_file`, whose
        JWT goes with every call, over TLS, a Unix socket or loopback. `timeout`: seconds, of every call that
        says nothing else. `max_tokens`: how many are kept, the least lately used goes first; 0: none.

        Files are followed, however they are replaced: the next call after a change shows and trusts what is new.
        What is missing, half written or does not fit together is not taken over: what was read last stays in
        force, and the error of a call that fails for it says why.
        """
        self._timeout = _checked(timeout)
        self._connection = Connection(address, plaintext=plaintext, ca_file=ca_file,
                                      certificate_file=certificate_file, private_key_file=private_key_file,
                                      jwt_file=jwt_file)
        self._cache = NearCache(self._acquire, max_tokens, fetch_many=self._acquire_many)
        self._closed = threading.Event()

    def acquire_for_client(self, registration: str, scopes: str | Iterable[str], *, tenant: str = "",
                           resource: str = "", audience: str = "", client_claims: str = "",
                           extra_parameters: Mapping[str, str] | None = None, claims_challenge: str = "",
                           force_refresh: bool = False, correlation_id: str = "",
                           timeout: float | None = None) -> Token:
        """A token for the application itself (RFC 6749 §4.4), kept or new.

        The arguments are the fields of `AcquireForClientRequest`, which says what each may hold. With
        `claims_challenge` (of a resource's 401, as it came) or `force_refresh` the service is always
        asked, and the new token replaces the one that is kept, for every thread. Waits for `timeout`
        seconds at most, and never for more than five minutes.
        """
        seconds = self._timeout if timeout is None else _checked(timeout)
        if self._closed.is_set():
            raise ValueError("the client is closed")
        request = TokenRequest(registration, scopes_of(scopes), tenant, resource, audience, client_claims,
                               parameters_of(extra_parameters), claims_challenge, force_refresh, correlation_id)
        return self._cache.get(request, seconds)

    def batch_acquire_for_client(self, requests: Iterable[TokenRequest], *,
                                 timeout: float | None = None) -> list[Token | TokenServiceError]:
        """A token, or the error, for each request, in their order, of any registrations, tenants and scopes.

        What is kept is answered at once; for each hundred of the others there is one call, and what it brings
        is kept as `acquire_for_client` keeps it. Such a call is tried again as a whole, where it fails as a
        whole; the error of one request is not. Errors are returned here, not raised.
        """
        seconds = self._timeout if timeout is None else _checked(timeout)
        if self._closed.is_set():
            raise ValueError("the client is closed")
        return self._cache.get_many(list(requests), seconds)

    def get_authorization_header(self, registration: str, scopes: str | Iterable[str], *, tenant: str = "",
                                 resource: str = "", audience: str = "", client_claims: str = "",
                                 extra_parameters: Mapping[str, str] | None = None,
                                 claims_challenge: str = "", force_refresh: bool = False,
                                 correlation_id: str = "", timeout: float | None = None) -> str:
        """`Bearer <token>`, the value of an HTTP `Authorization` header; as `acquire_for_client`."""
        return self.acquire_for_client(
            registration, scopes, tenant=tenant, resource=resource, audience=audience,
            client_claims=client_claims, extra_parameters=extra_parameters, claims_challenge=claims_challenge,
            force_refresh=force_refresh, correlation_id=correlation_id, timeout=timeout).authorization_header

    def close(self) -> None:
        """Ends running calls and forgets the tokens; the client can't be used afterwards."""
        self._closed.set()
        self._connection.close()
        self._cache.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception_type: type[BaseException] | None, exception: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def _acquire(self, request: TokenRequest, timeout: float) -> Token:
        asked = time.time()
        answer = self._call("AcquireForClient", _messages.to_message(request), timeout)
        return _messages.from_message(answer, asked)

    def _acquire_many(self, requests: list[TokenRequest], timeout: float) -> list[Token | TokenServiceError]:
        message = token_service_pb2.BatchAcquireForClientRequest(
            requests=[_messages.to_message(request) for request in requests])
        asked = time.time()
        answer = self._call("BatchAcquireForClient", message, timeout)
        return _messages.from_batch_message(answer, len(requests), asked)

    def _call(self, method: str, message: Any, timeout: float) -> Any:
        """One RPC with its retries."""
        deadline = time.monotonic() + timeout
        retries = 0
        while True:
            try:
                with self._connection.for_call() as (stub, metadata):
                    return getattr(stub, method)(message, timeout=max(deadline - time.monotonic(), 0.0),
                                                 metadata=metadata)
            except grpc.RpcError as rpc_error:
                error = _errors.from_rpc_error(rpc_error, self._connection.refusal())
                delay = _retry_policy.delay_before_retry(
                    error.code, error.retry_delay, retries, deadline - time.monotonic(), random.random())
                if delay is None or self._closed.wait(delay):
                    raise error from rpc_error
                retries += 1


def _checked(timeout: float) -> float:
    if not timeout > 0:
        raise ValueError("timeout: must be more than 0 seconds")
    return min(timeout, _LONGEST_TIMEOUT)
