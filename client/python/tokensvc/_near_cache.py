# SPDX-License-Identifier: Apache-2.0
"""The tokens that a process keeps for as long as the service allows (as client/core/near_cache.h)."""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from grpc import StatusCode

from tokensvc._errors import TokenServiceError
from tokensvc._request import TokenRequest
from tokensvc._token import Token

# What the service's configuration allows at most. An answer that says more is wrong, or comes from a
# machine whose clock is far from ours.
_LONGEST_KEEP_SECONDS = 3600.0

# What the service takes in one call.
_MAX_BATCH = 100


class Clock:
    """The system's clocks, in seconds."""

    def now(self) -> float:
        """Unix time."""
        return time.time()

    def boot(self) -> float:
        """A clock that nobody can set back, and that goes on while the machine sleeps where there is one."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()


_FetchMany = Callable[[list[TokenRequest], float], list[Token | TokenServiceError]]


class _Flight:
    """One running call, on the thread that began it."""

    def __init__(self, began: int) -> None:
        self.began = began
        self.done = threading.Event()
        # One of the two, unless the thread that ran it was interrupted.
        self.token: Token | None = None
        self.error: TokenServiceError | None = None


class NearCache:
    """Keeps tokens, and begins one call for each that is not kept, whoever waits for it.

    A token is kept for as long as its `near_cache_for` and `expires_in` both allow, counted from before the
    request was sent on a clock that nobody can set back: the machine's wall clock may be wrong. Where the
    service is too old to say so, until its `near_cache_until` and `expires_at` by the wall clock. A forced request never gets what is kept,
    nor the result of a call that began before it; what it brings replaces what is kept, also against a
    plain call that is still running and may bring the older token. Failures are not kept.

    The first thread that needs a token makes the call; others that wait are their callers' own threads,
    so nothing is queued here. Thread-safe.
    """

    def __init__(self, fetch: Callable[[TokenRequest, float], Token], max_entries: int = 1000,
                 clock: Clock | None = None, fetch_many: _FetchMany | None = None) -> None:
        """`fetch(request, seconds)` makes the call within so many seconds; `max_entries` 0: keep none.

        `fetch_many(requests, seconds)` does for up to a hundred: a token or an error for each, or it raises
        one for all.
        """
        self._fetch = fetch
        self._fetch_many = fetch_many
        self._max_entries = max_entries
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[Token, float]] = OrderedDict()  # Least lately used first.
        self._plain_flights: dict[Hashable, _Flight] = {}
        self._forced_flights: dict[Hashable, _Flight] = {}
        self._order = itertools.count()

    def get(self, request: TokenRequest, timeout: float) -> Token:
        """The token that is kept, or a call's, within `timeout` seconds; raises TokenServiceError."""
        key = request.key()
        if not request.forced():
            with self._lock:
                token = self._find(key)
            if token is not None:
                return token
        return self._wait(request, key, time.monotonic() + timeout)

    def get_many(self, requests: list[TokenRequest], timeout: float) -> list[Token | TokenServiceError]:
        """For each request what `get` returns or raises; what is neither kept nor being fetched, in one call."""
        deadline = time.monotonic() + timeout
        results: list[Token | TokenServiceError | None] = [None] * len(requests)
        led: dict[tuple[bool, Hashable], tuple[_Flight, int]] = {}
        shared: list[tuple[int, _Flight]] = []
        with self._lock:
            for i, request in enumerate(requests):
                key, forced = request.key(), request.forced()
                results[i] = None if forced else self._find(key)
                if results[i] is not None:
                    continue
                flights = self._forced_flights if forced else self._plain_flights
                flight_key = _flight_key(request, key)
                if (forced, flight_key) in led:
                    shared.append((i, led[forced, flight_key][0]))
                elif flight_key not in flights:
                    flights[flight_key] = flight = _Flight(next(self._order))
                    led[forced, flight_key] = (flight, i)
                    shared.append((i, flight))
        self._lead_many([(flight, requests[i]) for flight, i in led.values()], deadline)
        for i, flight in shared:
            results[i] = flight.token if flight.token is not None else flight.error
        return [self._wait_or_error(requests[i], deadline) if result is None else result
                for i, result in enumerate(results)]

    def clear(self) -> None:
        """Forgets what is kept."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        """How many tokens are kept, those included that have become too old since."""
        return len(self._entries)

    def _wait(self, request: TokenRequest, key: Hashable, deadline: float) -> Token:
        forced = request.forced()
        flights = self._forced_flights if forced else self._plain_flights
        flight_key = _flight_key(request, key)
        arrived: int | None = None
        while True:
            with self._lock:
                if arrived is None:
                    arrived = next(self._order)
                token = None if forced else self._find(key)  # A call may have ended since.
                if token is not None:
                    return token
                flight = flights.get(flight_key)
                leads = flight is None
                if leads:
                    flight = flights[flight_key] = _Flight(next(self._order))
            if leads:
                return self._lead(flight, flight_key, request, key, deadline)
            if not flight.done.wait(max(deadline - time.monotonic(), 0.0)):
                raise TokenServiceError(StatusCode.DEADLINE_EXCEEDED, "the token did not come in time")
            if forced and flight.began < arrived:
                continue  # It may not know of what this caller was refused for.
            if flight.token is not None:
                return flight.token
            # Who began the call may have had less time than this caller, or was interrupted.
            if flight.error is not None and flight.error.code is not StatusCode.DEADLINE_EXCEEDED:
                raise flight.error
            if time.monotonic() >= deadline:
                raise TokenServiceError(StatusCode.DEADLINE_EXCEEDED, "the token did not come in time")

    def _lead(self, flight: _Flight, flight_key: Hashable, request: TokenRequest, key: Hashable,
              deadline: float) -> Token:
        asked = self._clock.boot()
        try:
            flight.token = self._fetch(request, max(deadline - time.monotonic(), 0.0))
            return flight.token
        except TokenServiceError as error:
            flight.error = error
            raise
        finally:
            self._finish(flight, flight_key, request, key, asked)

    def _lead_many(self, led: list[tuple[_Flight, TokenRequest]], deadline: float) -> None:
        """Ends all flights, whatever happens."""
        ended = 0
        asked = self._clock.boot()
        try:
            for begin in range(0, len(led), _MAX_BATCH):
                chunk = led[begin:begin + _MAX_BATCH]
                asked = self._clock.boot()
                try:
                    outcomes = self._fetch_many([request for _, request in chunk],
                                                max(deadline - time.monotonic(), 0.0))
                except TokenServiceError as error:
                    outcomes = [error] * len(chunk)
                for (flight, request), outcome in zip(chunk, outcomes, strict=True):
                    if isinstance(outcome, Token):
                        flight.token = outcome
                    else:
                        flight.error = outcome
                    key = request.key()
                    self._finish(flight, _flight_key(request, key), request, key, asked)
                    ended += 1
        finally:
            for flight, request in led[ended:]:  # The thread was interrupted.
                key = request.key()
                self._finish(flight, _flight_key(request, key), request, key, asked)

    def _wait_or_error(self, request: TokenRequest, deadline: float) -> Token | TokenServiceError:
        try:
            return self._wait(request, request.key(), deadline)
        except TokenServiceError as error:
            return error

    def _finish(self, flight: _Flight, flight_key: Hashable, request: TokenRequest, key: Hashable,
                asked: float) -> None:
        forced = request.forced()
        flights = self._forced_flights if forced else self._plain_flights
        with self._lock:
            # A plain call that a forced one has overtaken is no longer there: it may bring the old token.
            if flights.get(flight_key) is flight:
                del flights[flight_key]
                if flight.token is not None:
                    if forced:
                        self._plain_flights.pop(key, None)
                    self._store(key, flight.token, asked)
        flight.done.set()

    def _find(self, key: Hashable) -> Token | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        token, keep_until = entry
        if self._clock.boot() >= keep_until:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return token

    def _store(self, key: Hashable, token: Token, asked: float) -> None:
        self._entries.pop(key, None)
        keep_until = self._keep_until(token, asked)
        if keep_until <= self._clock.boot() or self._max_entries <= 0:
            return
        while len(self._entries) >= self._max_entries:
            self._entries.popitem(last=False)
        self._entries[key] = (token, keep_until)

    def _keep_until(self, token: Token, asked: float) -> float:
        if token.near_cache_for is not None and token.expires_in is not None:
            return asked + min(token.near_cache_for, token.expires_in, _LONGEST_KEEP_SECONDS)
        now = self._clock.now()
        keep = min(token.near_cache_until - now, token.expires_at - now, _LONGEST_KEEP_SECONDS)
        return self._clock.boot() + keep


def _flight_key(request: TokenRequest, key: Hashable) -> Hashable:
    """Under which requests share a call: the same token, and the same challenge."""
    return (key, request.claims_challenge) if request.forced() else key
