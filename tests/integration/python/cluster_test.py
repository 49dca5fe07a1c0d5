# SPDX-License-Identifier: Apache-2.0
"""What ./dev cluster starts, from outside: through nginx, at each replica, at Redis. It is also what
docker-compose.yml describes: every file that compose mounts is one that ./dev cluster uses."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import tempfile
import time
import unittest
import urllib.request

import grpc

import harness
import header_bomb
import stubs

ROOT = harness.ROOT
METHOD = "tokensvc.v1.TokenService/AcquireForClient"


def addresses_in(path):
    """The NAME=VALUE lines of a file of addresses."""
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


class ReleaseTest(harness.ServiceTest):
    def setUp(self):
        super().setUp()
        if self.build != (ROOT / "build/release").resolve():
            self.skipTest("./dev cluster runs what preset release has built, and nothing else")

    def prepare(self, script, into, addresses):
        """Runs prepare.sh, and returns what it did."""
        path = f"{self.program('client/tokenctl').parent}:{os.environ['PATH']}"
        return harness.run([script, into, addresses], PATH=path)


class ClusterTest(ReleaseTest):
    """One cluster for all tests of a class; each asks for a scope of its own."""

    cluster = None

    def setUp(self):
        super().setUp()
        if self.cluster is None:
            self._start()
        self.addresses = addresses_in(self.cluster / "addresses")
        self.ca = self.cluster / "client/ca.pem"
        self.jwt = self.cluster / "client/demonstration.jwt"

    @classmethod
    def _start(cls):
        folder = tempfile.TemporaryDirectory(prefix="tokensvc-test-")
        cls.addClassCleanup(folder.cleanup)
        process = harness.Process(
            "cluster", [ROOT / "dev", "cluster", "--check", "--stay"], pathlib.Path(folder.name))
        cls.addClassCleanup(process.stop)
        line = ""
        while not line.startswith("files, logs"):
            line = process.wait_for_line()
        cls.cluster = ROOT / line.split()[-1]

    def tokenctl(self, *arguments):
        return harness.run([self.program("client/tokenctl"), "--output", "json", *arguments])

    def source(self, scope, *connection):
        answer = self.tokenctl(*connection, "acquire", "--registration", "orders", "--scope", scope)
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        return json.loads(answer.stdout)["source"]

    def through_nginx(self):
        return *self.nginx_without_jwt(), "--jwt-file", self.jwt

    def nginx_without_jwt(self):
        return "--address", self.addresses["NGINX"], "--tls", "--ca-file", self.ca

    def token_requests(self):
        context = ssl.create_default_context(cafile=self.ca)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        with opener.open(f"{self.addresses['AUTHORITY']}/_control/counters", timeout=harness.CALL_SECONDS) as answer:
            return json.load(answer)["token_requests"]

    def redis(self, *command, user="tokensvc", certificate=True):
        """What Redis says to a command of `user` (None: of nobody)."""
        folder = self.cluster / "redis"
        arguments = ["redis-cli", "-h", "127.0.0.1", "-p", self.addresses["REDIS_PORT"], "--tls", "--cacert", self.ca]
        if certificate:
            arguments += ["--cert", folder / "redis.pem", "--key", folder / "redis.key"]
        more = {}
        if user is not None:
            arguments += ["--user", user, "--no-auth-warning"]
            more["REDISCLI_AUTH"] = (self.cluster / "tokensvc/redis.password").read_text()
        answer = harness.run([*arguments, *command], **more)
        return (answer.stdout + answer.stderr).strip()


class SharingTest(ClusterTest):
    def test_one_replica_asks_the_authority_and_the_other_one_redis(self):
        scope, before = "api://shared/.default", self.token_requests()
        self.assertEqual(self.source(scope, *self.through_nginx()), "authority")
        sources = [self.source(scope, "--address", self.addresses[f"REPLICA_{name}_LOCAL"]) for name in "AB"]
        self.assertEqual(sorted(sources), ["local_cache", "shared_cache"])
        self.assertEqual(self.token_requests() - before, 1)

    def test_nginx_passes_the_details_of_an_error(self):
        answer = self.tokenctl(*self.through_nginx(), "acquire", "--registration", "orders", "--scope", "user.read")
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertIn("INVALID_ARGUMENT", answer.stdout)
        self.assertIn("scopes", answer.stdout)

    def test_who_shows_no_jwt_or_another_one_gets_nothing_through_nginx(self):
        self.source("api://known/.default", *self.through_nginx())
        # Somebody who signs alike: another cluster's demonstration.
        other = self.folder / "other"
        made = self.prepare(ROOT / "deploy/prepare.sh", other, self.cluster / "addresses")
        self.assertEqual(made.returncode, 0, made.stderr)
        for jwt in ([], ["--jwt-file", other / "client/demonstration.jwt"]):
            answer = self.tokenctl(*self.nginx_without_jwt(), *jwt, "acquire", "--registration", "orders",
                                   "--scope", "api://known/.default")
            self.assertNotEqual(answer.returncode, 0, jwt)
            self.assertIn("UNAUTHENTICATED", answer.stdout)

    def test_buf_curl_gets_a_token_through_nginx(self):
        buf = os.environ.get("TOKENSVC_BUF")
        if not buf:
            self.skipTest("TOKENSVC_BUF is not set: ./dev test installs buf and sets it")
        request = {"registration": "orders", "scopes": ["api://buf/.default"]}
        answer = harness.run([buf, "curl", "--protocol", "grpc", "--cacert", self.ca, "--data", json.dumps(request),
                              "--header", f"authorization: Bearer {self.jwt.read_text()}",
                              f"https://{self.addresses['NGINX']}/{METHOD}"], HOME=str(self.folder))
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(json.loads(answer.stdout)["source"], "TOKEN_SOURCE_AUTHORITY")

    def test_a_python_client_gets_tokens_through_nginx_from_both_replicas(self):
        made = stubs.generate(self.build, self.folder)
        credentials = grpc.composite_channel_credentials(
            grpc.ssl_channel_credentials(self.ca.read_bytes()),
            grpc.access_token_call_credentials(self.jwt.read_text()))
        request = made.token_service.AcquireForClientRequest(registration="orders", scopes=["api://python/.default"])
        options = [("grpc.enable_http_proxy", 0)]
        with grpc.secure_channel(self.addresses["NGINX"], credentials, options) as channel:
            client = made.token_service_grpc.TokenServiceStub(channel)
            answers = [client.AcquireForClient(request, timeout=harness.CALL_SECONDS) for _ in range(20)]
        self.assertEqual(answers[0].source, made.token.TOKEN_SOURCE_AUTHORITY)
        self.assertIn(made.token.TOKEN_SOURCE_SHARED_CACHE, [answer.source for answer in answers])
        self.assertEqual({answer.access_token.value for answer in answers}, {answers[0].access_token.value})

    def test_a_node_client_gets_tokens_through_nginx_from_both_replicas(self):
        node = os.environ.get("TOKENSVC_NODE22")
        if not node:
            self.skipTest("TOKENSVC_NODE22 is not set: ./dev test installs Node 22 and sets it")
        ran = harness.run([node, ROOT / "tests/integration/node/acquire.mjs", self.addresses["NGINX"], self.ca,
                           self.jwt, ROOT / "proto", "api://node/.default"])
        self.assertEqual(ran.returncode, 0, ran.stderr)
        answers = [json.loads(line) for line in ran.stdout.splitlines()]
        self.assertEqual(answers[0]["source"], "TOKEN_SOURCE_AUTHORITY")
        self.assertIn("TOKEN_SOURCE_SHARED_CACHE", [answer["source"] for answer in answers])
        self.assertEqual({answer["token"] for answer in answers}, {answers[0]["token"]})

    def calls(self):
        """How many calls of TokenService both replicas have answered."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        total = 0
        for name in "AB":
            url = f"http://{self.addresses[f'REPLICA_{name}_METRICS']}/metrics"
            with opener.open(url, timeout=harness.CALL_SECONDS) as answer:
                lines = answer.read().decode().splitlines()
            total += sum(float(line.split()[-1]) for line in lines if line.startswith("tokensvc_rpc_calls_total{"))
        return total

    def test_a_cpp_client_gets_tokens_through_nginx_from_both_replicas_and_keeps_them(self):
        before = self.calls()
        ran = harness.run([self.program("tests/integration/cpp_client_acquire"), self.addresses["NGINX"], self.ca,
                           self.jwt, "api://cpp/.default"])
        self.assertEqual(ran.returncode, 0, ran.stderr)
        *answers, header, kept = [json.loads(line) for line in ran.stdout.splitlines()]
        self.assertEqual(len(answers), 20)
        self.assertEqual(answers[0]["source"], "authority")
        self.assertIn("shared_cache", [answer["source"] for answer in answers])
        bearer = f"Bearer {answers[0]['token']}"
        self.assertEqual({answer["token"] for answer in answers}, {answers[0]["token"]})
        self.assertEqual((header["name"].lower(), header["value"]), ("authorization", bearer))
        self.assertEqual((kept["headers"], kept["value"]), (100_000, bearer))
        self.assertEqual(self.calls() - before, 20 + 1 + 1)

    def test_redis_answers_the_service_and_nobody_else(self):
        self.assertEqual(self.redis("PING"), "PONG")
        self.assertIn("NOAUTH", self.redis("PING", user=None))
        self.assertIn("WRONGPASS", self.redis("PING", user="default"))
        self.assertNotIn("PONG", self.redis("PING", certificate=False))

    def test_redis_refuses_what_the_service_does_not_need(self):
        for command in (["KEYS", "*"], ["SCAN", "0"], ["FLUSHALL"], ["CONFIG", "GET", "*"], ["MONITOR"],
                        ["ACL", "LIST"], ["UNLINK", "tokensvc:check"], ["DEL", "another:key"], ["GET", "another:key"], ["SHUTDOWN"]):
            with self.subTest(command=command):
                self.assertIn("NOPERM", self.redis(*command))

    def test_redis_refuses_plaintext(self):
        with socket.create_connection(("127.0.0.1", int(self.addresses["REDIS_PORT"])), harness.CALL_SECONDS) as peer:
            peer.sendall(b"PING\r\n")
            try:
                self.assertNotIn(b"PONG", peer.recv(1024))
            except ConnectionResetError:
                pass

    def test_redis_writes_what_survives_a_restart_and_no_token(self):
        answer = self.tokenctl(*self.through_nginx(), "acquire", "--registration", "orders",
                               "--scope", "api://kept/.default", "--show-token")
        token = json.loads(answer.stdout)["access_token"]["value"]
        files = [path for path in (self.cluster / "redis/appendonlydir").iterdir() if path.is_file()]
        written = b"".join(path.read_bytes() for path in files)
        self.assertIn(b"tokensvc:v:", written)
        for secret in (token, "api://kept", "orders-service", harness.TENANT):
            self.assertNotIn(secret.encode(), written)

    def test_what_only_its_user_may_read_is_readable_by_nobody_else(self):
        for path in self.cluster.rglob("*"):
            if path.suffix in (".key", ".keys", ".secret", ".password", ".acl"):
                self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_no_log_holds_a_secret(self):
        self.source("api://logged/.default", *self.through_nginx())
        secrets = [self.cluster / "tokensvc/redis.password", self.cluster / "tokensvc/orders-service.secret"]
        logs = list(self.cluster.glob("*.log"))
        self.assertEqual(len(logs), 5, logs)
        for log in logs:
            for secret in secrets:
                self.assertNotIn(secret.read_text(), log.read_text(errors="replace"), (log, secret))


class HeaderBombTest(ClusterTest):
    """This gRPC takes endless headers (CVE-2023-33953): what stands before it must not."""

    BOMB = 102 << 20
    GROWTH_KIB = 16 << 10

    def resident_kib(self, name):
        status = pathlib.Path(f"/proc/{int((self.cluster / f'{name}.pid').read_text())}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    def expect_harmless(self, throw):
        self.source("api://bomb/.default", *self.through_nginx())  # What the first call takes is not the bomb's.
        before = {name: self.resident_kib(name) for name in ("replica-a", "replica-b", "nginx")}
        took = throw()
        for name, was in before.items():
            self.assertLess(self.resident_kib(name) - was, self.GROWTH_KIB, f"{name}, {took} bytes taken")
        self.assertIn(self.source("api://bomb/.default", *self.through_nginx()), ("local_cache", "shared_cache"))
        return took

    def test_nginx_keeps_it_off_the_replicas(self):
        self.expect_harmless(lambda: header_bomb.throw(self.addresses["NGINX"], self.ca, self.BOMB))

    def test_a_replica_refuses_it_in_the_handshake_where_no_certificate_is_shown(self):
        for name in "AB":
            address = self.addresses[f"REPLICA_{name}"]
            took = self.expect_harmless(lambda: header_bomb.throw(address, self.ca, self.BOMB))
            self.assertLess(took, self.BOMB)


    def test_where_nothing_stands_before_it_memory_grows(self):
        """Or the tests above would prove nothing; a gRPC that needs no protection skips this."""
        before = self.resident_kib("replica-a")
        header_bomb.throw(self.addresses["REPLICA_A_LOCAL"], None, self.BOMB)
        if self.resident_kib("replica-a") - before < self.GROWTH_KIB:
            self.skipTest("this gRPC limits the headers that it takes")


class LossTest(ClusterTest):
    def kill(self, name):
        pid = int((self.cluster / f"{name}.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + harness.STOP_SECONDS
        while (state := pathlib.Path(f"/proc/{pid}/stat")).exists() and state.read_text().rsplit(")", 1)[1][1] != "Z":
            self.assertLess(time.monotonic(), deadline, f"{name} does not end")
            time.sleep(0.01)

    def test_nginx_uses_the_replica_that_is_left_and_says_unavailable_when_none_is(self):
        self.kill("replica-a")
        for _ in range(4):
            self.assertIn(self.source("api://left/.default", *self.through_nginx()), ("authority", "local_cache"))
        self.kill("replica-b")
        answer = self.tokenctl(*self.through_nginx(), "acquire", "--registration", "orders", "--scope", "api://left/.default")
        self.assertEqual(answer.returncode, 3, answer.stdout)
        self.assertIn("no replica answered", answer.stdout)


class ComposeTest(ReleaseTest):
    def setUp(self):
        super().setUp()
        compose = shutil.which("docker-compose")
        if compose is None:
            self.skipTest("docker-compose is not installed: ./dev test installs Debian's")
        shown = harness.run([compose, "-f", ROOT / "docker-compose.yml", "config"])
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.mounts = {}  # in the container: here
        for line in shown.stdout.splitlines():
            if mount := re.fullmatch(r"\s*- (/[^:]+):(/[^:]+):ro", line):
                self.mounts[pathlib.Path(mount[2])] = pathlib.Path(mount[1])

    def test_mounts_files_of_deploy_and_nothing_else(self):
        self.assertTrue(self.mounts)
        for inside, here in self.mounts.items():
            self.assertTrue(here.is_file(), here)
            self.assertEqual(inside, pathlib.Path("/") / here.relative_to(ROOT))

    def test_the_mounted_files_alone_make_what_the_cluster_runs(self):
        copy = self.folder / "container"
        for inside, here in self.mounts.items():
            there = copy / inside.relative_to("/")
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here, there)
        addresses = copy / "deploy/compose.addresses"
        mounted, native = self.folder / "mounted", self.folder / "native"
        made = self.prepare(copy / "deploy/prepare.sh", mounted, addresses)
        self.assertEqual(made.returncode, 0, made.stderr)
        made = self.prepare(ROOT / "deploy/prepare.sh", native, addresses)
        self.assertEqual(made.returncode, 0, made.stderr)
        for name in ("nginx/nginx.conf", "redis/redis.conf", "tokensvc/replica-a.yaml", "tokensvc/replica-b.yaml"):
            self.assertEqual((mounted / name).read_text(), (native / name).read_text(), name)
        for replica in "ab":
            checked = harness.run([self.program("service/tokensvc-server"), "--config",
                                   mounted / f"tokensvc/replica-{replica}.yaml", "--check-config"])
            self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_a_second_run_keeps_keys_passwords_and_certificates(self):
        made = self.folder / "made"
        script, addresses = ROOT / "deploy/prepare.sh", ROOT / "deploy/compose.addresses"
        self.assertEqual(self.prepare(script, made, addresses).returncode, 0)
        before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
        self.assertEqual(self.prepare(script, made, addresses).returncode, 0)
        after = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
        self.assertEqual(before, after)

    def test_the_compose_file_starts_the_commands_that_the_cluster_starts(self):
        compose = (ROOT / "docker-compose.yml").read_text()
        native = (ROOT / "cmake/dev/cluster.sh").read_text()
        for command in ("redis-server redis.conf", "nginx -p . -c nginx.conf -e stderr"):
            self.assertIn(command, native)
            self.assertIn(f"[{command.replace(' ', ', ')}]", compose)


if __name__ == "__main__":
    unittest.main(verbosity=2)
