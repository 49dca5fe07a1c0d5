// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/listener_certificates.h"

#include <sys/stat.h>

#include <atomic>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "tests/service/rpc/listener_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kReloaded[] = "listener_certificate_reloaded";
constexpr char kRefused[] = "listener_certificate_refused";

class ListenerCertificatesTest : public ListenerFixture {
 protected:
  /// Twice: what is wanting is given a second to become whole before it is an event.
  void PollTwice() {
    certificates_->Poll();
    certificates_->Poll();
  }
  double Metric(const std::string& name) {
    double value = -1;
    metrics_.ForEach([&](const MetricRegistry::Entry& entry) {
      if (entry.name != name) return;
      value =
          entry.counter != nullptr ? static_cast<double>(entry.counter->Value()) : entry.computed();
    });
    return value;
  }
};

TEST_F(ListenerCertificatesTest, RefusesToStartOverUnusableFiles) {
  const auto load = [this] {
    return ListenerCertificates::Load(Files(), {clock_, logger_, metrics_}).status();
  };
  const std::string key = ReadText(folder_.Path("server.key"));
  folder_.Write("server.key", ReadText(Client(*a_, "other").private_key));
  EXPECT_THAT(std::string(load().message()), HasSubstr("listener main: tls: certificate"));
  folder_.Write("server.key", "garbage");
  EXPECT_FALSE(load().ok());
  folder_.Write("server.key", key);
  ASSERT_EQ(::chmod(folder_.Path("server.key").c_str(), 0644), 0);
  EXPECT_THAT(std::string(load().message()), HasSubstr("chmod"));
  ASSERT_EQ(::chmod(folder_.Path("server.key").c_str(), 0640), 0);
  EXPECT_TRUE(load().ok());
  WriteCa("garbage");
  EXPECT_THAT(std::string(load().message()), HasSubstr("client_ca"));
}

TEST_F(ListenerCertificatesTest, StartsWithAnExpiredCertificateAndSaysSo) {
  WritePair(*a_->IssueServer("old", Validity::kExpired));
  Load();
  EXPECT_EQ(logger_.Count("listener_certificate_expired"), 1u);
  EXPECT_LT(Metric("tokensvc_listener_certificate_seconds_to_expiry"), 0);
}

TEST_F(ListenerCertificatesTest, LogsEachChangeAndEachRefusalOnce) {
  Load();
  PollTwice();
  EXPECT_EQ(logger_.lines().size(), 0u) << logger_.AllText();

  const CertificateFiles next = *a_->IssueServer("next");
  folder_.Write("server.pem", ReadText(next.certificate));
  certificates_->Poll();  // Its key is still that of the old one.
  EXPECT_EQ(logger_.Count(kRefused), 0u);
  folder_.Write("server.key", ReadText(next.private_key));
  PollTwice();
  EXPECT_EQ(logger_.Count(kReloaded), 1u);
  EXPECT_EQ(logger_.Count(kRefused), 0u);

  folder_.Write("server.key", "SECRET garbage");
  for (int i = 0; i < 5; ++i) certificates_->Poll();
  EXPECT_EQ(logger_.Count(kRefused), 1u);
  WritePair(*a_->IssueServer("expired", Validity::kExpired));
  PollTwice();
  EXPECT_EQ(logger_.Count(kRefused), 2u);
  WritePair(*a_->IssueServer("early", Validity::kNotYetValid));
  PollTwice();
  EXPECT_EQ(logger_.Count(kRefused), 3u);
  WriteCa("garbage");
  PollTwice();
  EXPECT_EQ(logger_.Count(kRefused), 4u);
  EXPECT_EQ(Metric("tokensvc_listener_certificate_refusals_total"), 4);
  EXPECT_EQ(Metric("tokensvc_listener_certificate_reloads_total"), 1);
  EXPECT_GT(Metric("tokensvc_listener_certificate_seconds_to_expiry"), 0);
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("SECRET")));

  WritePair(next);  // What is in force already.
  WriteCa(ReadText(a_->ca_file()));
  PollTwice();
  EXPECT_EQ(logger_.Count(kReloaded), 1u);
}

TEST_F(ListenerCertificatesTest, NewHandshakesShowTheNewCertificate) {
  StartTls();
  const CertificateFiles worker = Client(*a_, "worker");
  const Channel open = Connect(&worker);
  EXPECT_TRUE(Ask(open).status.ok());
  WritePair(*b_->IssueServer("server"));  // Which clients do not trust: that can be seen.
  certificates_->Poll();
  EXPECT_EQ(Ask(Connect(&worker)).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Ask(open).status.ok()) << "connections that are open go on";
  WritePair(*a_->IssueServer("again"));
  certificates_->Poll();
  EXPECT_TRUE(Ask(Connect(&worker)).status.ok());
}

TEST_F(ListenerCertificatesTest, ARemovedAuthorityEndsConnectionsThatAreOpen) {
  const std::string both = ReadText(a_->ca_file()) + ReadText(b_->ca_file());
  WriteCa(both);
  StartTls();
  const CertificateFiles guest = Client(*b_, "guest");
  const Channel open = Connect(&guest);
  EXPECT_EQ(Ask(open).caller, "spiffe://prod.example/guest");
  WriteCa(ReadText(a_->ca_file()));
  certificates_->Poll();
  const WhoAnswer answer = Ask(open);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(answer.status.error_message(), "untrusted");
  EXPECT_EQ(Ask(Connect(&guest)).status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ListenerCertificatesTest, SwappedUnderLoadNobodyFailsWhoShouldPassAndNobodyPassesElse) {
  StartTls();
  const CertificateFiles worker = Client(*a_, "worker");
  const CertificateFiles guest = Client(*b_, "guest");
  const CertificateFiles expired = Client(*a_, "expired", Validity::kExpired);
  std::atomic<bool> done{false};
  std::atomic<int> calls{0}, failed{0}, passed{0};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {  // Over one connection.
    const Channel channel = Connect(&worker);
    for (; !done; ++calls) failed += Ask(channel).status.ok() ? 0 : 1;
  });
  threads.emplace_back([&] {  // Over a new one each time.
    for (; !done; ++calls) failed += Ask(Connect(&worker)).status.ok() ? 0 : 1;
  });
  threads.emplace_back([&] {  // Who must never pass.
    for (; !done; ++calls) {
      passed += Ask(Connect(&expired)).status.ok() ? 1 : 0;
      passed += Ask(Connect(nullptr)).status.ok() ? 1 : 0;
    }
  });
  const std::string ca_a = ReadText(a_->ca_file());
  for (int round = 0; round < 8; ++round) {
    WriteCa(ca_a + ReadText(b_->ca_file()));
    certificates_->Poll();
    const Channel open = Connect(&guest);
    EXPECT_TRUE(Ask(open).status.ok()) << round;
    WriteCa(round % 2 == 0 ? "garbage" : "");
    folder_.Write("server.key", "garbage");
    PollTwice();
    EXPECT_TRUE(Ask(Connect(&guest)).status.ok()) << "garbage changes nothing";
    WritePair(*a_->IssueServer(absl::StrCat("server-", round)));
    WriteCa(ca_a);
    certificates_->Poll();
    EXPECT_EQ(Ask(open).status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << round;
    EXPECT_FALSE(Ask(Connect(&guest)).status.ok()) << round;
    for (const int was = calls; calls.load() < was + 20;) std::this_thread::yield();
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed.load(), 0) << "of " << calls.load();
  EXPECT_EQ(passed.load(), 0);
  EXPECT_EQ(logger_.Count(kRefused), 16u);
}

}  // namespace
}  // namespace tokensvc::testing
