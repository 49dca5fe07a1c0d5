// SPDX-License-Identifier: Apache-2.0
#include "service/http/curl_http_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/service/http/loopback_server.h"
#include "tests/service/http/transport_harness.h"

namespace tokensvc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Peer = LoopbackServer::Peer;

// What a server reads and the transport makes of what it says back.
struct Talk {
  explicit Talk(LoopbackServer::Script script) : server(std::move(script)) {}
  LoopbackServer server;
  TransportHarness harness;
};

absl::StatusCode CodeOf(const absl::StatusOr<HttpResponse>& result) {
  return result.status().code();
}

TEST(CurlHttpTransport, SendsGetAndReturnsTheAnswer) {
  std::string seen;
  Talk talk(LoopbackServer::Answering([&](const std::string& request) {
    seen = request;
    return Answer("200 OK", "hello", "Content-Type: text/plain\r\n");
  }));
  HttpRequest request = Get(talk.server.Url("/path?query=1"));
  request.headers.emplace_back("Authorization", Secret::CopyOf("Basic c2VjcmV0"));
  request.headers.emplace_back("X-Empty", Secret());
  const auto response = talk.harness.Send(std::move(request));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body.Reveal(), "hello");
  EXPECT_EQ(response->Header("content-type"), "text/plain");
  EXPECT_THAT(seen, AllOf(StartsWith("GET /path?query=1 HTTP/1.1\r\n"),
                          HasSubstr("\r\nAuthorization: Basic c2VjcmV0\r\n"),
                          HasSubstr("\r\nX-Empty:\r\n"), HasSubstr("\r\nUser-Agent: tokensvc\r\n"),
                          Not(HasSubstr("Accept-Encoding")), Not(HasSubstr("Cookie"))));
}

TEST(CurlHttpTransport, PostsAFormWithoutAskingForLeave) {
  std::string seen;
  Talk talk(LoopbackServer::Answering([&](const std::string& request) {
    seen = request;
    return Answer("200 OK", "");
  }));
  HttpRequest request = Get(talk.server.Url("/token"));
  request.method = HttpRequest::Method::kPost;
  const std::string body = absl::StrCat("a=", std::string(2'000'000, 'x'));
  request.body = Secret::CopyOf(body);
  const auto response = talk.harness.Send(std::move(request));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->body.empty());
  EXPECT_THAT(seen.substr(0, 1000),
              AllOf(StartsWith("POST /token HTTP/1.1\r\n"), Not(HasSubstr("Expect")),
                    HasSubstr("\r\nContent-Type: application/x-www-form-urlencoded\r\n")));
  EXPECT_TRUE(absl::EndsWith(seen, absl::StrCat("\r\n\r\n", body)));
}

TEST(CurlHttpTransport, PostsAnEmptyBody) {
  Talk talk(LoopbackServer::Answering(
      [](const std::string& request) { return Answer("200 OK", request); }));
  HttpRequest request = Get(talk.server.Url());
  request.method = HttpRequest::Method::kPost;
  const auto response = talk.harness.Send(std::move(request));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(std::string(response->body.Reveal()), HasSubstr("Content-Length: 0\r\n"));
}

TEST(CurlHttpTransport, AnErrorOfTheServerIsAnAnswer) {
  Talk talk(LoopbackServer::Answering([](const std::string&) {
    return Answer("400 Bad Request", R"({"error":"invalid_scope"})");
  }));
  const auto response = talk.harness.Send(Get(talk.server.Url()));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(response->body.Reveal(), R"({"error":"invalid_scope"})");
}

TEST(CurlHttpTransport, ARedirectIsAnAnswerAndNotFollowed) {
  Talk talk(LoopbackServer::Answering(
      [](const std::string&) { return Answer("302 Found", "", "Location: /elsewhere\r\n"); }));
  const auto response = talk.harness.Send(Get(talk.server.Url()));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(talk.server.requests(), 1);
}

TEST(CurlHttpTransport, AnInterimAnswerIsNotTheAnswer) {
  Talk talk(LoopbackServer::Answering([](const std::string&) {
    return absl::StrCat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", Answer("200 OK", "real"));
  }));
  const auto response = talk.harness.Send(Get(talk.server.Url()));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->Header("link"), "");
  EXPECT_EQ(response->body.Reveal(), "real");
}

TEST(CurlHttpTransport, CookiesAreNotSentBack) {
  std::string seen;
  Talk talk(LoopbackServer::Answering([&](const std::string& request) {
    seen = request;
    return Answer("200 OK", "", "Set-Cookie: a=b; Path=/\r\n");
  }));
  ASSERT_TRUE(talk.harness.Send(Get(talk.server.Url())).ok());
  ASSERT_TRUE(talk.harness.Send(Get(talk.server.Url())).ok());
  EXPECT_EQ(talk.server.requests(), 2);
  EXPECT_THAT(seen, Not(HasSubstr("Cookie")));
}

TEST(CurlHttpTransport, TheEnvironmentCannotSetAProxy) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  Talk talk(LoopbackServer::Answering([](const std::string&) { return Answer("200 OK", ""); }));
  EXPECT_TRUE(talk.harness.Send(Get(talk.server.Url())).ok());
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
}

TEST(CurlHttpTransport, ASlowAnswerEndsAtTheDeadline) {
  Talk talk([](Peer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\n");
    peer.WaitForEnd();
  });
  HttpRequest request = Get(talk.server.Url());
  request.timeout = absl::Milliseconds(100);
  EXPECT_EQ(CodeOf(talk.harness.Send(std::move(request))), absl::StatusCode::kDeadlineExceeded);
}

TEST(CurlHttpTransport, WithoutTimeLeftNothingIsSent) {
  Talk talk(LoopbackServer::Answering([](const std::string&) { return Answer("200 OK", ""); }));
  HttpRequest request = Get(talk.server.Url());
  request.timeout = absl::ZeroDuration();
  EXPECT_EQ(CodeOf(talk.harness.Send(std::move(request))), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(talk.server.connections(), 0);
}

TEST(CurlHttpTransport, AnEndlessTimeoutIsNoTrap) {
  Talk talk(LoopbackServer::Answering([](const std::string&) { return Answer("200 OK", ""); }));
  HttpRequest request = Get(talk.server.Url());
  request.timeout = absl::InfiniteDuration();
  EXPECT_TRUE(talk.harness.Send(std::move(request)).ok());
}

TEST(CurlHttpTransport, AResetIsUnavailable) {
  Talk talk([](Peer& peer) {
    peer.ReadRequest();
    peer.Reset();
  });
  EXPECT_EQ(CodeOf(talk.harness.Send(Get(talk.server.Url()))), absl::StatusCode::kUnavailable);
}

TEST(CurlHttpTransport, ATruncatedAnswerIsUnavailable) {
  Talk talk([](Peer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  EXPECT_EQ(CodeOf(talk.harness.Send(Get(talk.server.Url()))), absl::StatusCode::kUnavailable);
}

TEST(CurlHttpTransport, ATruncatedChunkedAnswerIsUnavailable) {
  Talk talk([](Peer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  });
  EXPECT_EQ(CodeOf(talk.harness.Send(Get(talk.server.Url()))), absl::StatusCode::kUnavailable);
}

TEST(CurlHttpTransport, AnEmptyOrForeignAnswerIsUnavailable) {
  for (const char* answer : {"", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"}) {
    Talk talk([answer](Peer& peer) {
      peer.ReadRequest();
      peer.Write(answer);
    });
    EXPECT_EQ(CodeOf(talk.harness.Send(Get(talk.server.Url()))), absl::StatusCode::kUnavailable)
        << answer;
  }
}

TEST(CurlHttpTransport, AnUnknownHostIsUnavailableAndNamed) {
  // No resolver asks anybody about a label of more than 63 characters.
  TransportHarness harness;
  const std::string host = absl::StrCat(std::string(64, 'a'), ".invalid");
  const auto result = harness.Send(Get(absl::StrCat("https://", host, "/hidden")));
  EXPECT_EQ(CodeOf(result), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(result.status().message()),
              AllOf(HasSubstr(host), Not(HasSubstr("hidden"))));
}

TEST(CurlHttpTransport, NobodyListeningIsUnavailable) {
  std::string url;
  {
    LoopbackServer gone([](Peer&) {});
    url = gone.Url();
  }
  TransportHarness harness;
  EXPECT_EQ(CodeOf(harness.Send(Get(url))), absl::StatusCode::kUnavailable);
}

TEST(CurlHttpTransport, AnAnnouncedLargeBodyIsRefusedBeforeItArrives) {
  Talk talk([](Peer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n");
    peer.WaitForEnd();  // not one byte of it
  });
  EXPECT_EQ(CodeOf(talk.harness.Send(Get(talk.server.Url()))), absl::StatusCode::kOutOfRange);
}

TEST(CurlHttpTransport, AnUnannouncedLargeBodyIsCutOff) {
  Talk talk([](Peer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = absl::StrCat("10000\r\n", std::string(0x10000, 'x'), "\r\n");
    while (peer.Write(chunk)) {  // without end
    }
  });
  EXPECT_EQ(CodeOf(talk.harness.Send(Get(talk.server.Url()))), absl::StatusCode::kOutOfRange);
}

TEST(CurlHttpTransport, ABodyMayBeAsLargeAsAllowedAndNoLarger) {
  Talk talk(LoopbackServer::Answering(
      [](const std::string&) { return Answer("200 OK", std::string(1000, 'x')); }));
  for (const auto& [cap, code] :
       {std::pair(1000, absl::StatusCode::kOk), std::pair(999, absl::StatusCode::kOutOfRange),
        std::pair(0, absl::StatusCode::kOutOfRange)}) {
    HttpRequest request = Get(talk.server.Url());
    request.max_body_bytes = static_cast<std::size_t>(cap);
    EXPECT_EQ(CodeOf(talk.harness.Send(std::move(request))), code) << cap;
  }
}

TEST(CurlHttpTransport, TooManyHeadersAreRefused) {
  Talk talk(LoopbackServer::Answering([](const std::string&) {
    std::string headers;
    for (int i = 0; i < 100; ++i) absl::StrAppend(&headers, "h", i, ": v\r\n");
    return Answer("200 OK", "", headers);
  }));
  EXPECT_EQ(CodeOf(talk.harness.Send(Get(talk.server.Url()))), absl::StatusCode::kOutOfRange);
}

TEST(CurlHttpTransport, MalformedHeadersAreRefusedUnsentAndUnnamed) {
  Talk talk(LoopbackServer::Answering([](const std::string&) { return Answer("200 OK", ""); }));
  const std::pair<std::string, std::string> bad[] = {{"X", "canary\r\nInjected: 1"},
                                                     {"X", "canary\ninjected"},
                                                     {"X", std::string("canary\0x", 8)},
                                                     {"X\r\nY", "canary"},
                                                     {"", "canary"},
                                                     {"X Y", "canary"},
                                                     {"X:", "canary"},
                                                     {"Content-Length", "1"},
                                                     {"host", "canary"}};
  for (const auto& [name, value] : bad) {
    HttpRequest request = Get(talk.server.Url());
    request.headers.emplace_back(name, Secret::CopyOf(value));
    const auto result = talk.harness.Send(std::move(request));
    EXPECT_EQ(CodeOf(result), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(result.status().message()), Not(HasSubstr("canary")));
  }
  EXPECT_EQ(talk.server.connections(), 0);
}

TEST(CurlHttpTransport, MalformedUrlsAreRefused) {
  TransportHarness harness;
  for (const std::string url :
       {"", "/path", "127.0.0.1", "https://", "https:///path", "ftp://127.0.0.1/",
        "file:///etc/passwd", "https://user:pass@127.0.0.1/", "https://127.0.0.1/a b",
        "https://127.0.0.1/\r\nx", "https://127.0.0.1:99999/", "https://[fe80::1%25lo]/",
        "https://ex\xc3\xa4mple.com/", "gopher://localhost/", "https://127.0.0.1\\@example.com/"}) {
    EXPECT_EQ(CodeOf(harness.Send(Get(url))), absl::StatusCode::kInvalidArgument) << url;
  }
  const std::string embedded("https://127.0.0.1/\0", 19);
  EXPECT_EQ(CodeOf(harness.Send(Get(embedded))), absl::StatusCode::kInvalidArgument);
  const std::string longest = absl::StrCat("https://127.0.0.1/", std::string(9000, 'x'));
  EXPECT_EQ(CodeOf(harness.Send(Get(longest))), absl::StatusCode::kInvalidArgument);
}

TEST(CurlHttpTransport, PlainHttpBeyondLoopbackIsRefused) {
  TransportHarness harness;
  for (const char* url :
       {"http://192.0.2.1/", "http://authority.example/", "http://localhost.example/",
        "http://[2001:db8::1]/", "http://0.0.0.0/", "http://[::ffff:127.0.0.1]/"}) {
    EXPECT_EQ(CodeOf(harness.Send(Get(url))), absl::StatusCode::kPermissionDenied) << url;
  }
}

TEST(CurlHttpTransport, ThePlatformIsOnThisMachineOnlyAndSpeaksPlainHttp) {
  Talk talk(LoopbackServer::Answering([](const std::string&) { return Answer("200 OK", ""); }));
  EXPECT_TRUE(talk.harness.Send(Get(talk.server.Url("/"), AddressTrust::kPlatform)).ok());
  for (const char* url : {"http://10.0.0.1/", "http://platform.example/", "http://169.255.0.1/",
                          "http://168.63.129.16/", "http://[fe80::1]/"}) {
    EXPECT_EQ(CodeOf(talk.harness.Send(Get(url, AddressTrust::kPlatform))),
              absl::StatusCode::kPermissionDenied)
        << url;
  }
  EXPECT_EQ(CodeOf(talk.harness.Send(Get("https://127.0.0.1/", AddressTrust::kPlatform))),
            absl::StatusCode::kInvalidArgument);
  // Without a word about the platform, its address is as any other.
  EXPECT_EQ(CodeOf(talk.harness.Send(Get("http://169.254.169.254/"))),
            absl::StatusCode::kPermissionDenied);
}

TEST(CurlHttpTransport, LocalhostIsLoopback) {
  Talk talk(LoopbackServer::Answering([](const std::string&) { return Answer("200 OK", ""); }));
  const auto response = talk.harness.Send(Get(talk.server.Url("/", "localhost")));
  EXPECT_TRUE(response.ok()) << response.status();
}

TEST(CurlHttpTransport, ALearntLoopbackAddressIsRefusedThoughAConfiguredConnectionIsOpen) {
  Talk talk(LoopbackServer::Answering([](const std::string&) { return Answer("200 OK", ""); }));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const std::string url = talk.server.Url("/", host);
    ASSERT_TRUE(talk.harness.Send(Get(url)).ok());
    const auto result = talk.harness.Send(Get(url, AddressTrust::kLearnt));
    EXPECT_EQ(CodeOf(result), absl::StatusCode::kPermissionDenied) << result.status();
  }
  EXPECT_EQ(talk.server.requests(), 2);
}

TEST(CurlHttpTransport, LearntSpecialAddressesAreRefusedWithoutAConnection) {
  TransportHarness harness;
  for (const char* url : {"https://169.254.169.254/", "https://10.0.0.1/", "https://[fe80::1]/",
                          "https://[::ffff:10.0.0.1]/", "https://0/", "https://2130706433/"}) {
    EXPECT_EQ(CodeOf(harness.Send(Get(url, AddressTrust::kLearnt))),
              absl::StatusCode::kPermissionDenied)
        << url;
  }
}

}  // namespace
}  // namespace tokensvc
