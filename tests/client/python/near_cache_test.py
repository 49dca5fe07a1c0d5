# SPDX-License-Identifier: Apache-2.0
"""The Python client's near cache, with a clock of the test's own and no gRPC."""

import threading
import unittest

import package

package.install()

from grpc import StatusCode  # noqa: E402
from tokensvc import Token, TokenServiceError  # noqa: E402
from tokensvc._near_cache import NearCache  # noqa: E402
from tokensvc._request import TokenRequest, parameters_of, scopes_of  # noqa: E402

START = 1_900_000_000.0
SECONDS = 30.0  # More than any test takes.


class FakeClock:
    def __init__(self):
        self.wall = START
        self.since_boot = 1000.0

    def now(self):
        return self.wall

    def boot(self):
        return self.since_boot

    def advance(self, seconds):
        self.wall += seconds
        self.since_boot += seconds


class FakeService:
    """Answers token-1, token-2 and so on; `hold` makes the next call wait until it is let go."""

    def __init__(self, clock):
        self.clock = clock
        self.keep = 60.0
        self.lives = 3600.0
        self.failure = None
        self._lock = threading.Lock()
        self._holds = []
        self.ahead = None  # By how much the service's wall clock is; None: a service that says no lengths.
        self.took = 0.0
        self.batches = []
        self.requests = []

    def fetch_many(self, requests, timeout):
        self.batches.append([request.registration for request in requests])
        return [self.fetch(request, timeout) if request.registration != "refused"
                else TokenServiceError(StatusCode.PERMISSION_DENIED, "no") for request in requests]

    def hold(self):
        """Two events: the next call has begun; let it go on."""
        begun, released = threading.Event(), threading.Event()
        self._holds.append((begun, released))
        return begun, released

    def fetch(self, request, timeout):
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
            begun, released = self._holds.pop(0) if self._holds else (None, None)
            failure = self.failure
        if begun is not None:
            begun.set()
            assert released.wait(SECONDS)
        if failure is not None:
            raise failure
        if self.ahead is not None:
            now = self.clock.now() + self.ahead
            self.clock.advance(self.took)
            return Token(f"token-{number}", expires_at=now + self.lives, near_cache_until=now + self.keep,
                         near_cache_for=self.keep, expires_in=self.lives)
        now = self.clock.now()
        until = now + self.keep if self.keep is not None else 0.0
        return Token(f"token-{number}", expires_at=now + self.lives, near_cache_until=until)


def request(scope="api://orders/.default", **fields):
    return TokenRequest("orders", (scope,), **fields)


class Call:
    """`cache.get` on a thread of its own."""

    def __init__(self, cache, wanted, timeout=SECONDS):
        self.value = self.error = None
        self._thread = threading.Thread(target=self._run, args=(cache, wanted, timeout), daemon=True)
        self._thread.start()

    def _run(self, cache, wanted, timeout):
        try:
            self.value = cache.get(wanted, timeout).value
        except (TokenServiceError, KeyboardInterrupt) as error:
            self.error = error

    def join(self):
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        return self


class SignallingOrder:
    """Says when somebody has taken a place in the order."""

    def __init__(self, order):
        self._order = order
        self.taken = threading.Event()

    def __next__(self):
        self.taken.set()
        return next(self._order)


class NearCacheTest(unittest.TestCase):
    def setUp(self):
        self.clock = FakeClock()
        self.service = FakeService(self.clock)
        self.cache = NearCache(self.service.fetch, clock=self.clock, fetch_many=self.service.fetch_many)

    def get(self, wanted=None, timeout=SECONDS):
        return self.cache.get(wanted or request(), timeout).value

    def test_keeps_a_token_until_near_cache_until_and_not_longer(self):
        self.assertEqual(self.get(), "token-1")
        self.clock.advance(59.9)
        self.assertEqual(self.get(), "token-1")
        self.clock.advance(0.1)
        self.assertEqual(self.get(), "token-2")

    def test_never_keeps_a_token_past_its_expiry(self):
        self.service.keep, self.service.lives = 600.0, 20.0
        self.assertEqual(self.get(), "token-1")
        self.clock.advance(19.9)
        self.assertEqual(self.get(), "token-1")
        self.clock.advance(0.1)
        self.assertEqual(self.get(), "token-2")

    def test_never_keeps_a_token_for_more_than_an_hour(self):
        self.service.keep = self.service.lives = 1e6
        self.get()
        self.clock.advance(3599.0)
        self.assertEqual(self.get(), "token-1")
        self.clock.advance(1.0)
        self.assertEqual(self.get(), "token-2")

    def test_a_wall_clock_that_is_set_back_keeps_no_token_longer(self):
        self.get()
        self.clock.advance(60.0)
        self.clock.wall -= 7200.0
        self.assertEqual(self.get(), "token-2")

    def test_a_wall_clock_that_is_ten_minutes_wrong_changes_nothing(self):
        for ahead in (600.0, -600.0):
            for keep, lives in ((60.0, 90.0), (90.0, 60.0)):
                with self.subTest(ahead=ahead, keep=keep):
                    self.service.ahead, self.service.keep, self.service.lives = ahead, keep, lives
                    wanted = request(tenant=f"{ahead} {keep}")
                    token = self.get(wanted)
                    self.clock.advance(59.9)
                    self.assertEqual(self.get(wanted), token)
                    self.clock.advance(0.1)
                    self.assertNotEqual(self.get(wanted), token)

    def test_counts_from_before_the_request_was_sent(self):
        self.service.ahead, self.service.took = 0.0, 8.0
        for ask in (lambda: self.get(), lambda: self.cache.get_many([request()], SECONDS)):
            self.cache.clear()
            ask()
            token = self.get()
            self.clock.advance(51.9)
            self.assertEqual(self.get(), token)
            self.clock.advance(0.1)
            self.assertNotEqual(self.get(), token)

    def many(self, *registrations, **fields):
        results = self.cache.get_many([TokenRequest(name, "s", **fields) for name in registrations], SECONDS)
        return [result.value if isinstance(result, Token) else result.code for result in results]

    def test_a_batch_asks_only_for_what_is_not_kept_and_keeps_what_it_brings(self):
        self.get(TokenRequest("b", "s"))
        denied = StatusCode.PERMISSION_DENIED
        self.assertEqual(self.many("a", "b", "refused", "a"), ["token-2", "token-1", denied, "token-2"])
        self.assertEqual(self.get(TokenRequest("a", "s")), "token-2")
        self.assertEqual(self.many("a", "b", "refused"), ["token-2", "token-1", denied])
        self.assertEqual(self.many(), [])
        self.assertEqual(self.service.batches, [["a", "refused"], ["refused"]])

    def test_a_batch_asks_for_a_hundred_at_a_time(self):
        self.many(*(f"r{i}" for i in range(250)))
        self.assertEqual([len(batch) for batch in self.service.batches], [100, 100, 50])

    def test_a_challenge_in_a_batch_replaces_what_is_kept(self):
        self.many("a")
        self.assertEqual(self.many("a", "a", claims_challenge="{}"), ["token-2", "token-2"])
        self.assertEqual(self.many("a"), ["token-2"])

    def test_a_batch_waits_for_a_call_that_runs_already(self):
        begun, released = self.service.hold()
        single = Call(self.cache, TokenRequest("a", "s"))
        self.assertTrue(begun.wait(SECONDS))
        threading.Timer(0.01, released.set).start()
        self.assertEqual(self.many("a", "b"), ["token-1", "token-2"])
        self.assertEqual(single.join().value, "token-1")
        self.assertEqual(self.service.batches, [["b"]])

    def test_a_batch_that_fails_or_is_interrupted_holds_nobody_up(self):
        for failure in (TokenServiceError(StatusCode.UNAVAILABLE, "down"), KeyboardInterrupt()):
            self.service.failure = failure
            if isinstance(failure, KeyboardInterrupt):
                self.assertRaises(KeyboardInterrupt, self.many, "a", "b")
            else:
                self.assertEqual(self.many("a", "b"), [StatusCode.UNAVAILABLE] * 2)
            self.service.failure = None
            self.assertRegex(self.get(TokenRequest("b", "s")), "token-")
            self.cache.clear()

    def test_keeps_nothing_where_the_service_does_not_allow_it(self):
        self.service.keep = None
        self.assertEqual([self.get(), self.get()], ["token-1", "token-2"])
        self.assertEqual(len(self.cache), 0)

    def test_every_field_that_shapes_the_token_separates_and_nothing_else(self):
        self.get()
        different = [
            TokenRequest("billing", ("api://orders/.default",)), request("api://other/.default"),
            request(tenant="t"), request(resource="t"), request(audience="t"), request(client_claims="t"),
            request(extra_parameters=parameters_of({"t": "1"})),
            TokenRequest("orders", ("api://orders/.default", "openid")),
        ]
        for wanted in different:
            with self.subTest(wanted):
                self.assertEqual(self.get(wanted), f"token-{len(self.service.requests)}")
        self.assertEqual(len(self.service.requests), 1 + len(different))
        self.assertEqual(self.get(request(correlation_id="another")), "token-1")
        self.assertEqual(self.get(TokenRequest("orders", ("openid", "api://orders/.default"))),
                         f"token-{1 + len(different)}")
        self.assertEqual(scopes_of("one"), ("one",))

    def test_keeps_no_more_than_its_bound_and_drops_the_least_lately_used(self):
        self.cache = NearCache(self.service.fetch, max_entries=2, clock=self.clock)
        first, second, third = (request(f"api://{name}/.default") for name in ("a", "b", "c"))
        self.get(first), self.get(second), self.get(first), self.get(third)
        self.assertEqual(len(self.cache), 2)
        self.assertEqual(self.get(first), "token-1")
        self.assertEqual(self.get(third), "token-3")
        self.assertEqual(self.get(second), "token-4")
        self.assertEqual(len(self.cache), 2)

    def test_a_bound_of_zero_keeps_nothing(self):
        self.cache = NearCache(self.service.fetch, max_entries=0, clock=self.clock)
        self.assertEqual([self.get(), self.get()], ["token-1", "token-2"])

    def test_sixteen_threads_share_one_call(self):
        begun, released = self.service.hold()
        calls = [Call(self.cache, request()) for _ in range(16)]
        self.assertTrue(begun.wait(SECONDS))
        released.set()
        self.assertEqual({call.join().value for call in calls}, {"token-1"})
        self.assertEqual(len(self.service.requests), 1)

    def test_a_challenge_and_a_forced_refresh_overwrite_what_is_kept(self):
        self.assertEqual(self.get(), "token-1")
        self.assertEqual(self.get(request(claims_challenge="{}")), "token-2")
        self.assertEqual(self.get(), "token-2")
        self.assertEqual(self.get(request(force_refresh=True)), "token-3")
        self.assertEqual(self.get(), "token-3")

    def test_a_plain_call_that_a_challenge_overtakes_does_not_bring_the_old_token_back(self):
        begun, released = self.service.hold()
        plain = Call(self.cache, request())
        self.assertTrue(begun.wait(SECONDS))
        self.assertEqual(self.get(request(claims_challenge="{}")), "token-2")
        released.set()
        self.assertEqual(plain.join().value, "token-1")
        self.assertEqual(self.get(), "token-2")

    def test_a_forced_request_does_not_take_the_result_of_a_call_that_began_before_it(self):
        begun, released = self.service.hold()
        forced = request(force_refresh=True)
        first = Call(self.cache, forced)
        self.assertTrue(begun.wait(SECONDS))
        self.cache._order = order = SignallingOrder(self.cache._order)
        second = Call(self.cache, forced)
        self.assertTrue(order.taken.wait(SECONDS))  # It has arrived, and the first call still runs.
        released.set()
        self.assertEqual((first.join().value, second.join().value), ("token-1", "token-2"))

    def test_a_failure_reaches_all_who_wait_and_is_not_kept(self):
        self.service.failure = TokenServiceError(StatusCode.PERMISSION_DENIED, "no")
        with self.assertRaises(TokenServiceError) as raised:
            self.get()
        self.assertEqual(raised.exception.code, StatusCode.PERMISSION_DENIED)
        self.service.failure = None
        self.assertEqual(self.get(), "token-2")

    def test_a_failed_forced_refresh_leaves_what_is_kept(self):
        self.get()
        self.service.failure = TokenServiceError(StatusCode.UNAVAILABLE, "down")
        with self.assertRaises(TokenServiceError):
            self.get(request(force_refresh=True))
        self.assertEqual(self.get(), "token-1")

    def test_who_waits_for_another_thread_s_call_waits_no_longer_than_its_own_timeout(self):
        begun, released = self.service.hold()
        slow = Call(self.cache, request())
        self.assertTrue(begun.wait(SECONDS))
        with self.assertRaises(TokenServiceError) as raised:
            self.get(timeout=0.01)
        self.assertEqual(raised.exception.code, StatusCode.DEADLINE_EXCEEDED)
        released.set()
        self.assertEqual(slow.join().value, "token-1")

    def test_who_has_time_left_asks_again_when_another_thread_s_time_was_up(self):
        for failure in (TokenServiceError(StatusCode.DEADLINE_EXCEEDED, "too late"), KeyboardInterrupt()):
            with self.subTest(failure):
                begun, released = self.service.hold()
                self.service.failure = failure
                wanted = request(tenant=type(failure).__name__)
                hurried = Call(self.cache, wanted)
                self.assertTrue(begun.wait(SECONDS))
                self.service.failure = None
                patient = Call(self.cache, wanted)
                released.set()
                self.assertIs(hurried.join().error, failure)
                self.assertRegex(patient.join().value, "^token-")

    def test_what_was_asked_and_answered_shows_no_token_and_no_challenge(self):
        wanted = request(claims_challenge="CANARY-challenge")
        token = self.cache.get(wanted, SECONDS)
        for shown in (repr(token), str(token), f"{token}", repr(wanted)):
            self.assertNotIn("token-1", shown)
            self.assertNotIn("CANARY", shown)
        self.assertEqual(token.authorization_header, "Bearer token-1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
