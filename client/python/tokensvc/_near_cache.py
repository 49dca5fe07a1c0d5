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

# What the service's configuration allows at most. An answer that says more comes from a machine whose
# clock is far from ours.
_LONGEST_KEEP_SECONDS = 3600.0


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

    A token is kept until its `near_cache_until` or its expiry, whichever is earlier, counted from the
    moment the answer came on a clock that nobody can set back. A forced request never gets what is kept,
    nor the result of a call that began before it; what it brings replaces what is kept, also against a
    plain call that is still running and may bring the older token. Failures are not kept.

    The first thread that needs a token makes the call; others that wait are their callers' own threads,
    so nothing is queued here. Thread-safe.
    """

    def __init__(self, fetch: Callable[[TokenRequest, float], Token], max_entries: int = 1000,
                 clock: Clock | None = None) -> None:
        """`fetch(request, seconds)` makes the call within so many seconds; `max_entries` 0: keep none."""
        self._fetch = fetch
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
        flight_key = (key, request.claims_challenge) if forced else key
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
        try:
            flight.token = self._fetch(request, max(deadline - time.monotonic(), 0.0))
            return flight.token
        except TokenServiceError as error:
            flight.error = error
            raise
        finally:
            self._finish(flight, flight_key, request, key)

    def _finish(self, flight: _Flight, flight_key: Hashable, request: TokenRequest, key: Hashable) -> None:
        forced = request.forced()
        flights = self._forced_flights if forced else self._plain_flights
        with self._lock:
            # A plain call that a forced one has overtaken is no longer there: it may bring the old token.
            if flights.get(flight_key) is flight:
                del flights[flight_key]
                if flight.token is not None:
                    if forced:
                        self._plain_flights.pop(key, None)
                    self._store(key, flight.token)
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

    def _store(self, key: Hashable, token: Token) -> None:
        self._entries.pop(key, None)
        now = self._clock.now()
        keep = min(token.near_cache_until - now, token.expires_at - now, _LONGEST_KEEP_SECONDS)
        if keep <= 0 or self._max_entries <= 0:
            return
        while len(self._entries) >= self._max_entries:
            self._entries.popitem(last=False)
        self._entries[key] = (token, self._clock.boot() + keep)
