# SPDX-License-Identifier: Apache-2.0
"""A Python client from generated stubs against the real service and the development authority."""

import unittest

import grpc

import harness
import stubs

SCOPE = "api://orders-api/.default"


class AcquireTest(harness.ServiceTest):
    _stubs = None

    def setUp(self):
        super().setUp()
        if AcquireTest._stubs is None:  # Generated descriptors can be registered once in a process.
            out = self.folder / "stubs"
            out.mkdir()
            AcquireTest._stubs = stubs.generate(self.build, out)
        self.stubs = AcquireTest._stubs
        self.pb = self.stubs.token_service
        self.address = self.start_service()
        self.channel = stubs.channel(self.address)
        self.addCleanup(self.channel.close)
        self.client = self.stubs.token_service_grpc.TokenServiceStub(self.channel)

    def acquire(self, **fields):
        request = self.pb.AcquireForClientRequest(**{"registration": "orders", "scopes": [SCOPE], **fields})
        return self.client.AcquireForClient(request, timeout=harness.CALL_SECONDS)

    def refused(self, **fields):
        with self.assertRaises(grpc.RpcError) as raised:
            self.acquire(**fields)
        return raised.exception, stubs.details_of(self.stubs, raised.exception)

    def test_acquires_from_the_authority_then_from_the_local_cache(self):
        token = self.stubs.token
        first = self.acquire(correlation_id="python-1")
        self.assertEqual(first.source, token.TOKEN_SOURCE_AUTHORITY)
        self.assertEqual(first.refresh_reason, token.REFRESH_REASON_NO_CACHED_TOKEN)
        self.assertEqual(first.correlation_id, "python-1")
        self.assertEqual(first.access_token.tenant, harness.TENANT)
        self.assertGreater(first.access_token.expires_at.seconds, first.access_token.refresh_at.seconds)
        second = self.acquire()
        self.assertEqual(second.source, token.TOKEN_SOURCE_LOCAL_CACHE)
        self.assertEqual(second.access_token.value, first.access_token.value)
        self.assert_not_logged(first.access_token.value, self.server)

    def test_a_forced_refresh_replaces_the_cached_token(self):
        first = self.acquire()
        forced = self.acquire(force_refresh=True)
        self.assertEqual(forced.source, self.stubs.token.TOKEN_SOURCE_AUTHORITY)
        self.assertNotEqual(forced.access_token.value, first.access_token.value)
        self.assertEqual(self.acquire().access_token.value, forced.access_token.value)

    def test_creates_the_authorization_header(self):
        response = self.client.CreateAuthorizationHeader(
            self.pb.CreateAuthorizationHeaderRequest(
                app=self.pb.AppSubject(), registration="orders", scopes=[SCOPE]),
            timeout=harness.CALL_SECONDS)
        self.assertEqual(len(response.headers), 1)
        self.assertEqual(response.headers[0].name.lower(), "authorization")
        self.assertTrue(response.headers[0].value.startswith("Bearer ey"))
        self.assertEqual(response.headers[0].value, "Bearer " + self.acquire().access_token.value)

    def test_says_which_field_is_wrong(self):
        error, details = self.refused(scopes=["user.read"])
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(details["ErrorInfo"].domain, "tokensvc")
        self.assertIn(details["ErrorInfo"].reason, ("SCOPE_NOT_ACCEPTED", "INVALID_REQUEST"))
        self.assertTrue(details["ErrorInfo"].metadata["correlation_id"])
        violations = details["BadRequest"].field_violations
        self.assertTrue(any(v.field.startswith("scopes") for v in violations), violations)
        self.assertTrue(any("/.default" in v.description for v in violations), violations)

    def test_an_unknown_registration_and_tenant_are_denied_alike(self):
        error, details = self.refused(registration="nobody")
        self.assertEqual(error.code(), grpc.StatusCode.PERMISSION_DENIED)
        self.assertEqual(details["ErrorInfo"].reason, "POLICY_DENIED")
        other, _ = self.refused(tenant="22222222-2222-2222-2222-222222222222")
        self.assertEqual(other.code(), grpc.StatusCode.PERMISSION_DENIED)
        self.assertEqual(other.details(), error.details())

    def test_is_live_and_ready(self):
        check = self.channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=self.stubs.health.HealthCheckRequest.SerializeToString,
            response_deserializer=self.stubs.health.HealthCheckResponse.FromString)
        for service in ("live", "ready"):
            answer = check(self.stubs.health.HealthCheckRequest(service=service), timeout=harness.CALL_SECONDS)
            self.assertEqual(answer.status, self.stubs.health.HealthCheckResponse.SERVING, service)

    def test_tokenctl_agrees(self):
        tokenctl = self.program("client/tokenctl")
        check = harness.run([tokenctl, "--address", self.address, "check", "--registration", "orders",
                             "--scope", SCOPE])
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
        acquired = harness.run([tokenctl, "--address", self.address, "acquire", "--registration", "orders",
                                "--scope", SCOPE])
        self.assertEqual(acquired.returncode, 0, acquired.stderr)
        self.assertRegex(acquired.stdout, "source +local cache")
        refused = harness.run([tokenctl, "--address", self.address, "acquire", "--registration", "nobody",
                               "--scope", SCOPE])
        self.assertEqual(refused.returncode, 1)
        self.assertIn("POLICY_DENIED", refused.stderr)

    def test_stops_cleanly(self):
        self.acquire()
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
