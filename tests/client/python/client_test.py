# SPDX-License-Identifier: Apache-2.0
"""The Python client against a service of the test's own, in this process."""

import logging
import pathlib
import re
import tempfile
import threading
import time
import unittest
from concurrent import futures

import package

package.install()

import grpc  # noqa: E402
from google.protobuf.any_pb2 import Any  # noqa: E402
from tokensvc import AccessToken, TokenRequest, TokenServiceClient, TokenServiceCredential  # noqa: E402
from tokensvc import TokenServiceError, __version__, _channel, _retry_policy, error_detail_messages_pb2 as wire  # noqa: E402
from tokensvc.v1 import errors_pb2, token_pb2, token_service_pb2, token_service_pb2_grpc  # noqa: E402

SCOPE = "api://orders/.default"
SECONDS = 30
ROOT = pathlib.Path(__file__).resolve().parents[3]


def details(*messages):
    """`google.rpc.Status` with `messages` under their own names and google.rpc's."""
    status = wire.Status()
    for message in messages:
        name = message.DESCRIPTOR.full_name.replace("tokensvc.client.wire.", "google.rpc.")
        status.details.append(Any(type_url=f"type.googleapis.com/{name}", value=message.SerializeToString()))
    return status.SerializeToString()


def retry_info(seconds):
    message = wire.RetryInfo()
    message.retry_delay.FromNanoseconds(int(seconds * 1e9))
    return message


def error_info(reason, domain="tokensvc"):
    return wire.ErrorInfo(reason=reason, domain=domain, metadata={"correlation_id": "call-1"})


class FakeTokenService(token_service_pb2_grpc.TokenServiceServicer):
    """Answers CANARY-token-1, -2 and so on, after the failures that were put in."""

    def __init__(self):
        self.failures = []
        self.requests = []
        self.deadlines = []
        self.keep = 60
        self.change = lambda answer: None
        self.gate = None
        self.batches = []
        self.change_batch = lambda answer: None

    def AcquireForClient(self, request, context):  # noqa: N802  (the contract's name)
        self.requests.append(request)
        self.deadlines.append(context.time_remaining())
        number = len(self.requests)
        if self.gate is not None:
            self.gate.wait(SECONDS)
        if self.failures:
            code, packed = self.failures.pop(0)
            context.set_trailing_metadata((("grpc-status-details-bin", packed),))
            context.abort(code, "refused")
        answer = token_service_pb2.AcquireForClientResponse(
            source=token_pb2.TOKEN_SOURCE_SHARED_CACHE, correlation_id="call-2")
        answer.access_token.value = f"CANARY-token-{number}"
        answer.access_token.token_type = token_pb2.TOKEN_TYPE_BEARER
        answer.access_token.tenant = "contoso"
        answer.access_token.granted_scopes.append(SCOPE)
        now = int(time.time())
        answer.access_token.expires_at.seconds = now + 3600
        answer.access_token.refresh_at.seconds = now + 1800
        if self.keep:
            answer.near_cache_until.seconds = now + self.keep
        self.change(answer)
        return answer


    def BatchAcquireForClient(self, request, context):  # noqa: N802
        self.batches.append(request)
        answer = token_service_pb2.BatchAcquireForClientResponse()
        for item in request.requests:
            result = answer.results.add()
            if item.registration == "refused":
                result.error.ParseFromString(details(error_info("POLICY_DENIED"), retry_info(2.5)))
                result.error.code, result.error.message = grpc.StatusCode.PERMISSION_DENIED.value[0], "no"
            else:
                result.response.CopyFrom(self.AcquireForClient(item, context))
        self.change_batch(answer)
        return answer


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.service = FakeTokenService()
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        token_service_pb2_grpc.add_TokenServiceServicer_to_server(self.service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(0).wait(SECONDS))
        self.address = f"127.0.0.1:{port}"
        self.client = TokenServiceClient(self.address, plaintext=True)
        self.addCleanup(self.client.close)

    def acquire(self, **fields):
        return self.client.acquire_for_client("orders", SCOPE, **fields)

    def refused(self, code, *messages, times=1, **fields):
        self.service.failures = [(code, details(*messages))] * times
        with self.assertRaises(TokenServiceError) as raised:
            self.acquire(**fields)
        return raised.exception

    def test_a_hundred_thousand_headers_take_one_call(self):
        for _ in range(100_000):
            header = self.client.get_authorization_header("orders", SCOPE)
        self.assertEqual(header, "Bearer CANARY-token-1")
        self.assertEqual(len(self.service.requests), 1)

    def test_sixteen_threads_share_one_call(self):
        self.service.gate = threading.Event()
        with futures.ThreadPoolExecutor(16) as pool:
            headers = [pool.submit(self.client.get_authorization_header, "orders", SCOPE) for _ in range(16)]
            self.service.gate.set()
            self.assertEqual({header.result(SECONDS) for header in headers}, {"Bearer CANARY-token-1"})
        self.assertEqual(len(self.service.requests), 1)

    def test_sends_every_field_and_returns_what_is_known_of_the_token(self):
        token = self.acquire(tenant="contoso", resource="https://r", audience="a", client_claims="{}",
                             extra_parameters={"b": "2", "a": "1"}, claims_challenge='{"x":1}',
                             force_refresh=True, correlation_id="mine")
        sent = self.service.requests[0]
        self.assertEqual(sent, token_service_pb2.AcquireForClientRequest(
            registration="orders", tenant="contoso", scopes=[SCOPE], resource="https://r", audience="a",
            client_claims="{}", extra_parameters={"a": "1", "b": "2"}, claims_challenge='{"x":1}',
            force_refresh=True, correlation_id="mine", token_type=token_pb2.TOKEN_TYPE_BEARER))
        self.assertEqual((token.value, token.tenant, token.granted_scopes, token.source, token.correlation_id),
                         ("CANARY-token-1", "contoso", (SCOPE,), "SHARED_CACHE", "call-2"))
        self.assertEqual(token.expires_at - token.refresh_at, 1800)

    def batch(self, *registrations, **fields):
        return self.client.batch_acquire_for_client(
            [TokenRequest(name, SCOPE, **fields) for name in registrations])

    def test_a_batch_brings_a_token_or_an_error_for_each_request_and_keeps_the_tokens(self):
        self.acquire()
        kept, refused, new = self.batch("orders", "refused", "billing", extra_parameters={})
        self.assertEqual((kept.value, new.value), ("CANARY-token-1", "CANARY-token-2"))
        self.assertEqual((refused.code, refused.reason, refused.correlation_id, refused.retry_delay),
                         (grpc.StatusCode.PERMISSION_DENIED, "POLICY_DENIED", "call-1", 2.5))
        self.assertEqual([[item.registration for item in batch.requests] for batch in self.service.batches],
                         [["refused", "billing"]])
        self.assertEqual(self.client.acquire_for_client("billing", SCOPE).value, "CANARY-token-2")

    def test_a_batch_is_tried_again_as_a_whole(self):
        self.service.failures = [(grpc.StatusCode.UNAVAILABLE, details(retry_info(0)))]
        self.assertEqual([token.value for token in self.batch("a")], ["CANARY-token-2"])
        self.service.failures = [(grpc.StatusCode.PERMISSION_DENIED, b"")]
        self.assertEqual([error.code for error in self.batch("b", "c")], [grpc.StatusCode.PERMISSION_DENIED] * 2)

    def test_a_full_batch_of_the_largest_tokens_fits(self):
        def enlarge(answer):
            answer.access_token.value = "t" * (64 << 10)
        self.service.change = enlarge
        tokens = self.batch(*(f"r{i}" for i in range(100)))
        self.assertEqual({len(token.value) for token in tokens}, {64 << 10})

    def test_an_answer_that_is_none_for_each_request_is_refused(self):
        self.service.change_batch = lambda answer: answer.results.add()
        self.assertEqual([error.code for error in self.batch("a")], [grpc.StatusCode.INTERNAL])

        def spoil(answer):
            answer.results[0].ClearField("response")
            answer.results[1].error.code = 0
            answer.results[2].response.access_token.value = "a b"
        self.service.change_batch = spoil
        self.assertEqual([error.code.name for error in self.batch("a", "b", "c")],
                         ["INTERNAL", "UNKNOWN", "INTERNAL"])

    def test_says_how_long_a_token_may_be_kept_and_still_works(self):
        def lengths(answer):
            answer.expires_in.FromMilliseconds(90_500)
        self.assertIsNone(self.acquire().near_cache_for)
        self.service.change = lengths
        token = self.acquire(force_refresh=True)
        self.assertEqual((token.near_cache_for, token.expires_in), (0.0, 90.5))

    def test_a_challenge_replaces_the_token_for_every_header(self):
        self.acquire()
        self.acquire(claims_challenge="{}")
        self.assertEqual(self.acquire().value, "CANARY-token-2")
        self.assertEqual(len(self.service.requests), 2)

    def test_every_call_has_a_deadline(self):
        self.acquire()
        self.acquire(force_refresh=True, timeout=1e9)
        self.assertTrue(0 < self.service.deadlines[0] <= 15, self.service.deadlines)
        self.assertTrue(15 < self.service.deadlines[1] <= 305, self.service.deadlines)

    def test_a_call_ends_with_its_deadline(self):
        self.service.gate = threading.Event()
        self.addCleanup(self.service.gate.set)
        with self.assertRaises(TokenServiceError) as raised:
            self.acquire(timeout=0.1)
        self.assertEqual(raised.exception.code, grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_tries_again_when_the_service_says_when(self):
        for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
            with self.subTest(code):
                self.service.requests.clear()
                self.service.failures = [(code, details(retry_info(0.001)))] * 2
                self.assertEqual(self.acquire(force_refresh=True).value, "CANARY-token-3")

    def test_tries_again_twice_at_most(self):
        error = self.refused(grpc.StatusCode.UNAVAILABLE, error_info("DRAINING"), retry_info(0), times=9)
        self.assertEqual((error.code, error.reason), (grpc.StatusCode.UNAVAILABLE, "DRAINING"))
        self.assertEqual(len(self.service.requests), 3)

    def test_tries_nothing_again_without_retry_info_or_past_the_deadline_or_of_another_kind(self):
        self.refused(grpc.StatusCode.UNAVAILABLE)
        self.refused(grpc.StatusCode.INTERNAL, retry_info(0))
        error = self.refused(grpc.StatusCode.RESOURCE_EXHAUSTED, error_info("THROTTLED"), retry_info(600))
        self.assertEqual((error.reason, error.retry_delay), ("THROTTLED", 600.0))
        self.assertEqual(len(self.service.requests), 3)

    def test_a_retry_comes_no_earlier_than_told_and_is_spread(self):
        def delay(seconds, random, time_left=100.0, retries=0):
            return _retry_policy.delay_before_retry(
                grpc.StatusCode.UNAVAILABLE, seconds, retries, time_left, random)
        self.assertEqual(delay(10.0, 0.0), 10.0)
        self.assertAlmostEqual(delay(10.0, 0.5), 11.0)
        self.assertAlmostEqual(delay(0.0, 0.5), 0.025)
        self.assertEqual(delay(-5.0, 0.0), 0.0)
        self.assertIsNone(delay(10.0, 0.0, time_left=10.0))
        self.assertIsNone(delay(1.0, 0.0, retries=2))
        self.assertIsNone(delay(None, 0.0))

    def test_takes_an_error_apart(self):
        authority = errors_pb2.AuthorityError(
            error="invalid_grant", classification=errors_pb2.INTERACTION_CLASSIFICATION_CONSENT_REQUIRED,
            claims_challenge='{"access_token":{}}')
        violation = wire.BadRequest.FieldViolation(field="scopes[0]", description="end it in /.default")
        error = self.refused(grpc.StatusCode.FAILED_PRECONDITION, error_info("INTERACTION_REQUIRED"), authority,
                             wire.BadRequest(field_violations=[violation]))
        self.assertEqual((error.code, error.reason, error.correlation_id, error.retry_delay),
                         (grpc.StatusCode.FAILED_PRECONDITION, "INTERACTION_REQUIRED", "call-1", None))
        self.assertEqual(error.classification, "CONSENT_REQUIRED")
        self.assertEqual(error.claims_challenge, '{"access_token":{}}')
        self.assertEqual(error.authority_error, authority)
        self.assertEqual((error.field_violations[0].field, error.field_violations[0].description),
                         ("scopes[0]", "end it in /.default"))
        self.assertEqual(str(error),
                         "FAILED_PRECONDITION: refused (INTERACTION_REQUIRED, correlation id call-1)")

    def test_details_that_make_no_sense_are_left_out(self):
        bad = wire.Status()
        bad.details.append(Any(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff\xff"))
        bad.details.append(Any(type_url="nobody/knows.This", value=b"x"))
        huge = details(error_info("X" * (70 << 10)))
        for packed in (b"", b"\xff\xff\xff", bad.SerializeToString(), details(error_info("X", domain="other"))):
            with self.subTest(packed):
                self.service.failures = [(grpc.StatusCode.INTERNAL, packed)]
                with self.assertRaises(TokenServiceError) as raised:
                    self.acquire()
                error = raised.exception
                self.assertEqual((error.code, error.reason, error.claims_challenge, error.classification),
                                 (grpc.StatusCode.INTERNAL, "", "", ""))
        self.service.failures = [(grpc.StatusCode.INTERNAL, huge)]  # gRPC itself refuses metadata of that size.
        with self.assertRaises(TokenServiceError) as raised:
            self.acquire()
        self.assertEqual(raised.exception.reason, "")

    def test_an_error_s_text_is_one_line(self):
        error = TokenServiceError(grpc.StatusCode.INTERNAL, "one\nINFO two\x1b[2J")
        self.assertRegex(str(error), r"^INTERNAL: one.INFO two.\[2J$")

    def test_refuses_a_token_that_no_header_can_carry(self):
        def set_value(value):
            return lambda answer: setattr(answer.access_token, "value", value)
        changes = [set_value(value) for value in ("", "a b", "a\r\nX: y", "ä")]
        changes.append(lambda answer: setattr(answer.access_token, "token_type", 7))
        for change in changes:
            self.service.change = change
            with self.assertRaises(TokenServiceError) as raised:
                self.acquire()
            self.assertEqual((raised.exception.code, raised.exception.reason), (grpc.StatusCode.INTERNAL, ""))

    def test_nobody_answers(self):
        with TokenServiceClient("127.0.0.1:1", plaintext=True) as client:
            with self.assertRaises(TokenServiceError) as raised:
                client.get_authorization_header("orders", SCOPE)
        self.assertEqual((raised.exception.code, raised.exception.reason), (grpc.StatusCode.UNAVAILABLE, ""))

    def test_a_closed_client_gives_no_token(self):
        with TokenServiceClient(self.address, plaintext=True) as client:
            client.acquire_for_client("orders", SCOPE)
        with self.assertRaises(ValueError):
            client.acquire_for_client("orders", SCOPE)

    def test_the_end_of_the_client_ends_a_call_that_waits_for_its_retry(self):
        self.service.failures = [(grpc.StatusCode.UNAVAILABLE, details(retry_info(100)))]
        with futures.ThreadPoolExecutor(1) as pool:
            call = pool.submit(self.acquire, timeout=200)
            while not self.service.requests:
                time.sleep(0.001)
            self.client.close()
            self.assertIsInstance(call.exception(SECONDS), TokenServiceError)

    def test_sends_tokens_in_clear_only_on_this_machine(self):
        for address in ("127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/run/tokensvc.sock"):
            self.assertTrue(_channel.is_loopback(address), address)
        for address in ("10.0.0.1:1", "127.example.com:1", "[2001:db8::1]:1", "0.0.0.0:1"):
            self.assertFalse(_channel.is_loopback(address), address)
            with self.assertRaisesRegex(ValueError, "in clear"):
                TokenServiceClient(address, plaintext=True)
        for address in ("", "host", "host:0", "host:65536", "::1:1", "[::1]", "unix:", "http://h:1", "h:1\n"):
            with self.assertRaises(ValueError, msg=address):
                TokenServiceClient(address, plaintext=True)

    def test_refuses_options_that_make_no_sense(self):
        with tempfile.NamedTemporaryFile() as empty:
            for options in ({"ca_file": empty.name}, {"certificate_file": "only.pem"}, {"timeout": 0},
                            {"timeout": float("nan")}):
                with self.subTest(options), self.assertRaises(ValueError):
                    TokenServiceClient("tokens.internal:1", **options)

    def test_the_credential_has_azure_s_shape(self):
        with TokenServiceCredential(self.client, "orders", tenant="contoso") as credential:
            token = credential.get_token(SCOPE, enable_cae=True, something_new=1)
            self.assertIsInstance(token, AccessToken)
            value, expires_on = token
            self.assertEqual((value, expires_on), (token.token, token.expires_on))
            self.assertEqual(value, "CANARY-token-1")
            self.assertIs(type(expires_on), int)
            self.assertGreater(expires_on, time.time())
            credential.get_token(SCOPE, claims='{"x":1}', tenant_id="fabrikam")
            with self.assertRaises(ValueError):
                credential.get_token()
        first, second = self.service.requests
        self.assertEqual((first.registration, first.tenant, first.claims_challenge), ("orders", "contoso", ""))
        self.assertEqual((second.tenant, second.claims_challenge), ("fabrikam", '{"x":1}'))

    def test_the_credential_says_when_to_ask_again(self):
        credential = TokenServiceCredential(self.client, "orders")
        kept = self.acquire()
        info = credential.get_token_info(SCOPE, options={"enable_cae": True})
        self.assertEqual((info.token, info.token_type), ("CANARY-token-1", "Bearer"))
        self.assertEqual((info.expires_on, info.refresh_on), (int(kept.expires_at), int(kept.near_cache_until)))
        self.service.keep = 0
        self.assertLessEqual(credential.get_token_info(SCOPE, options={"claims": "{}"}).refresh_on, time.time())

    def test_the_credential_says_it_by_this_machine_s_clock(self):
        def lengths(answer):  # Of a service whose clock is ten minutes ahead.
            for when in (answer.near_cache_until, answer.access_token.expires_at):
                when.seconds += 600
            answer.near_cache_for.seconds, answer.expires_in.seconds = 60, 3600
        self.service.change = lengths
        before = int(time.time())
        refresh_on = TokenServiceCredential(self.client, "orders").get_token_info(SCOPE).refresh_on
        self.assertTrue(before + 60 <= refresh_on <= time.time() + 60)

    def test_no_token_is_shown_or_logged(self):
        credential = TokenServiceCredential(self.client, "orders")
        with self.assertLogs(level=logging.DEBUG) as logs:
            logging.getLogger("test").info("so that there is one line")
            shown = [f"{thing} {thing!r}" for thing in (
                self.acquire(), credential.get_token(SCOPE), credential.get_token_info(SCOPE), self.client,
                credential)]
        for text in shown + logs.output:
            self.assertNotIn("CANARY", text)

    def test_the_version_is_the_project_s(self):
        self.assertTrue(re.search(rf"project\(tokensvc VERSION {re.escape(__version__)} ",
                                  (ROOT / "CMakeLists.txt").read_text()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
