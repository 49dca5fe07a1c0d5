// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "service/http/curl_http_transport.h"
#include "tests/service/http/local_certificates.h"
#include "tests/service/http/loopback_server.h"
#include "tests/service/http/transport_harness.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNames[] = "IP:127.0.0.1,DNS:localhost";

class TlsTest : public ::testing::Test {
 protected:
  static std::string Ok(const std::string&) { return Answer("200 OK", "over TLS"); }

  TransportHarness::Result Send(const LoopbackServer& server, const std::string& ca_file,
                                const std::string& host = "127.0.0.1") {
    HttpRequest request = Get(server.Url("/hidden", host));
    request.ca_file = ca_file;
    return harness_.Send(std::move(request));
  }

  // The answer of a server with that certificate, to a client that trusts `authority_`.
  absl::StatusCode CodeFor(const LoopbackServer::Tls& tls) {
    LoopbackServer server(LoopbackServer::Answering(&Ok), tls);
    const auto result = Send(server, authority_.ca_file());
    EXPECT_THAT(std::string(result.status().message()), Not(HasSubstr("hidden")));
    return result.status().code();
  }

  LocalAuthority authority_;
  TransportHarness harness_;
};

TEST_F(TlsTest, ATrustedServerAnswersByAddressAndByName) {
  LoopbackServer server(LoopbackServer::Answering(&Ok), authority_.Issue(kNames, absl::Hours(1)));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto response = Send(server, authority_.ca_file(), host);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->body.Reveal(), "over TLS");
  }
}

TEST_F(TlsTest, AnUnknownAuthorityIsRefused) {
  LocalAuthority other("Other CA");
  EXPECT_EQ(CodeFor(other.Issue(kNames, absl::Hours(1))), absl::StatusCode::kUnauthenticated);
}

TEST_F(TlsTest, AnUnknownAuthorityOfATrustedNameIsRefused) {
  LocalAuthority other;
  EXPECT_EQ(CodeFor(other.Issue(kNames, absl::Hours(1))), absl::StatusCode::kUnauthenticated);
}

TEST_F(TlsTest, AnAuthorityThatIsNotTheSystemsIsRefusedByDefault) {
  LoopbackServer server(LoopbackServer::Answering(&Ok), authority_.Issue(kNames, absl::Hours(1)));
  EXPECT_EQ(Send(server, "").status().code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(TlsTest, AnExpiredCertificateIsRefused) {
  EXPECT_EQ(CodeFor(authority_.Issue(kNames, -absl::Hours(1))), absl::StatusCode::kUnauthenticated);
}

TEST_F(TlsTest, ACertificateForAnotherHostIsRefused) {
  EXPECT_EQ(CodeFor(authority_.Issue("DNS:other.example,IP:127.0.0.2", absl::Hours(1))),
            absl::StatusCode::kUnauthenticated);
}

TEST_F(TlsTest, TlsBelow12IsRefused) {
  LoopbackServer::Tls tls = authority_.Issue(kNames, absl::Hours(1));
  tls.max_tls_version = TLS1_1_VERSION;
  EXPECT_EQ(CodeFor(tls), absl::StatusCode::kUnavailable);
  tls.max_tls_version = TLS1_2_VERSION;
  EXPECT_EQ(CodeFor(tls), absl::StatusCode::kOk);
}

TEST_F(TlsTest, AMissingAuthorityFileTrustsNobody) {
  LoopbackServer server(LoopbackServer::Answering(&Ok), authority_.Issue(kNames, absl::Hours(1)));
  EXPECT_EQ(Send(server, authority_.ca_file() + ".missing").status().code(),
            absl::StatusCode::kUnauthenticated);
}

TEST_F(TlsTest, AConnectionIsNotReusedForAnotherAuthorityFile) {
  LocalAuthority other;
  LoopbackServer server(LoopbackServer::Answering(&Ok), authority_.Issue(kNames, absl::Hours(1)));
  ASSERT_TRUE(Send(server, authority_.ca_file()).ok());
  EXPECT_EQ(Send(server, other.ca_file()).status().code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(TlsTest, ARefusedCertificateOpensNoConnectionForOthers) {
  LocalAuthority other("Other CA");
  LoopbackServer server(LoopbackServer::Answering(&Ok), authority_.Issue(kNames, absl::Hours(1)));
  EXPECT_FALSE(Send(server, other.ca_file()).ok());
  EXPECT_TRUE(Send(server, authority_.ca_file()).ok());
  EXPECT_FALSE(Send(server, other.ca_file()).ok());
  EXPECT_EQ(server.requests(), 1);
}

class MutualTlsTest : public TlsTest {
 protected:
  MutualTlsTest() {
    tls_ = authority_.Issue(kNames, absl::Hours(1));
    tls_.client_ca_file = authority_.ca_file();
    server_ = std::make_unique<LoopbackServer>(
        [](LoopbackServer::Peer& peer) {
          while (peer.ReadRequest()) {
            if (!peer.Write(Answer("200 OK", "[" + peer.ClientName() + "]"))) return;
          }
        },
        tls_);
  }

  /// Whom the server took us for.
  std::string NameOf(std::shared_ptr<const ClientTlsCertificate> certificate) {
    HttpRequest request = Get(server_->Url());
    request.ca_file = authority_.ca_file();
    request.client_certificate = std::move(certificate);
    const auto response = harness_.Send(std::move(request));
    return response.ok() ? std::string(response->body.Reveal())
                         : std::string(absl::StatusCodeToString(response.status().code()));
  }

  LoopbackServer::Tls tls_;
  std::unique_ptr<LoopbackServer> server_;
};

TEST_F(MutualTlsTest, EachRequestIsMadeAsWhomItSays) {
  const auto orders = authority_.IssueClient("orders");
  const auto billing = authority_.IssueClient("billing");
  // Twice around: neither idle connections nor TLS sessions may carry one for another.
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(NameOf(orders), "[orders]");
    EXPECT_EQ(NameOf(billing), "[billing]");
    EXPECT_EQ(NameOf(nullptr), "[]");
  }
  EXPECT_EQ(server_->connections(), 3) << "each of the three keeps its own";
}

TEST_F(MutualTlsTest, ARenewedCertificateOpensANewConnection) {
  EXPECT_EQ(NameOf(authority_.IssueClient("orders")), "[orders]");
  EXPECT_EQ(NameOf(authority_.IssueClient("orders")), "[orders]");
  EXPECT_EQ(server_->connections(), 2);
}

TEST_F(MutualTlsTest, ACertificateThatTheServerRefusesIsUnavailable) {
  LocalAuthority other("Other CA");
  EXPECT_EQ(NameOf(other.IssueClient("orders")), "UNAVAILABLE");
  EXPECT_EQ(server_->requests(), 0);
}

TEST_F(MutualTlsTest, ACertificateGoesOverHttpsOnly) {
  HttpRequest request = Get("http://127.0.0.1:1/");
  request.client_certificate = authority_.IssueClient("orders");
  EXPECT_EQ(harness_.Send(std::move(request)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TlsTest, PlainHttpOnATlsPortIsUnavailable) {
  LoopbackServer server([](LoopbackServer::Peer& peer) {
    peer.Write("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.WaitForEnd();
  });
  HttpRequest request = Get("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  EXPECT_EQ(harness_.Send(std::move(request)).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace tokensvc
