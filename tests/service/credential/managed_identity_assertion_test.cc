// SPDX-License-Identifier: Apache-2.0
#include "service/credential/managed_identity_assertion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "asio/detached.hpp"
#include "base/event_loop.h"
#include "service/credential/managed_identity_credential.h"
#include "service/jose/thumbprint.h"
#include "tests/service/credential/credential_fixture.h"
#include "tests/testing/fake_http_transport.h"
#include "tests/testing/run_on_loop.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::tokensvc::testing::Plain;

class ManagedIdentityAssertionTest : public testing::CredentialFixture {
 protected:
  using Value = ManagedIdentityAssertion::Value;

  ManagedIdentityAssertionTest() {
    retries_.first_wait = absl::Milliseconds(1);
    client_.emplace(ManagedIdentityClient::Dependencies{transport_, clock_, workers_, logger_,
                                                        identity_metrics_},
                    retries_);
  }

  std::string Jwt(absl::Duration life, int number = 0) const {
    return absl::StrCat(Base64Url(R"({"alg":"RS256"})"), ".",
                        Base64Url(absl::StrCat("{\"n\":", number, ",\"exp\":",
                                               absl::ToUnixSeconds(clock_.Now() + life), "}")),
                        ".canary");
  }
  void PushToken(absl::Duration life, int number = 0) {
    transport_.Push(200, absl::StrCat("{\"access_token\":\"", Jwt(life, number),
                                      "\",\"expires_in\":\"", absl::ToInt64Seconds(life), "\"}"));
  }

  std::shared_ptr<ManagedIdentityAssertion> Make(asio::any_io_executor home) {
    ManagedIdentity identity;
    identity.endpoint = "http://127.0.0.1:1/token";
    return std::make_shared<ManagedIdentityAssertion>(
        ManagedIdentityAssertion::Dependencies{std::move(home), *client_, clock_, random_},
        std::make_shared<const ManagedIdentity>(identity), "api://a");
  }

  /// Runs `count` calls at once, and everything that they started, to the end.
  std::vector<absl::StatusOr<Value>> GetAll(std::size_t count) {
    std::vector<std::optional<absl::StatusOr<Value>>> results(count);
    for (auto& result : results) {
      asio::co_spawn(home_, KeepResult(assertion_->Get(), result), asio::detached);
    }
    home_.restart();
    home_.run();
    std::vector<absl::StatusOr<Value>> all;
    for (auto& result : results) all.push_back(*std::move(result));
    return all;
  }
  absl::StatusOr<Value> Get() { return std::move(GetAll(1).front()); }

  ManagedIdentityRetries retries_;
  testing::FakeHttpTransport transport_;
  ManagedIdentityMetrics identity_metrics_{registry_};
  std::optional<ManagedIdentityClient> client_;
  asio::io_context home_;
  std::shared_ptr<ManagedIdentityAssertion> assertion_ = nullptr;
};

TEST_F(ManagedIdentityAssertionTest, IsAskedForOnceByAllWhoWaitForIt) {
  assertion_ = Make(home_.get_executor());
  EXPECT_FALSE(assertion_->expires_at().has_value());
  PushToken(absl::Hours(1));
  for (const auto& value : GetAll(20)) {
    ASSERT_TRUE(value.ok()) << value.status();
    EXPECT_EQ(value->assertion.Reveal(), Jwt(absl::Hours(1)));
    EXPECT_EQ(value->version, 1u);
  }
  EXPECT_TRUE(Get().ok());
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  EXPECT_EQ(assertion_->expires_at(), clock_.Now() + absl::Hours(1));
}

TEST_F(ManagedIdentityAssertionTest, IsRefreshedBehindTheAnswerOnceItIsDue) {
  assertion_ = Make(home_.get_executor());
  PushToken(absl::Hours(24), 1);
  const std::string first = Jwt(absl::Hours(24), 1);
  ASSERT_TRUE(Get().ok());
  // Half of its life, and up to a tenth of that more or less.
  clock_.Advance(absl::Hours(10));
  ASSERT_TRUE(Get().ok());
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  clock_.Advance(absl::Hours(4));
  PushToken(absl::Hours(24), 2);
  const std::string second = Jwt(absl::Hours(24), 2);
  transport_.Hold();
  for (int i = 0; i < 3; ++i) {
    std::optional<absl::StatusOr<Value>> meanwhile;
    asio::co_spawn(home_, KeepResult(assertion_->Get(), meanwhile), asio::detached);
    home_.restart();
    home_.poll();
    ASSERT_TRUE(meanwhile.has_value() && meanwhile->ok());
    EXPECT_EQ((*meanwhile)->assertion.Reveal(), first);
    EXPECT_EQ((*meanwhile)->version, 1u);
  }
  transport_.Release();
  home_.restart();
  home_.run();
  const auto value = Get();
  EXPECT_EQ(value->assertion.Reveal(), second);
  EXPECT_EQ(value->version, 2u);
  EXPECT_THAT(transport_.requests(), SizeIs(2));
}

TEST_F(ManagedIdentityAssertionTest, OfAShortLifeIsRefreshedInItsLastFifth) {
  assertion_ = Make(home_.get_executor());
  PushToken(absl::Hours(1), 1);
  ASSERT_TRUE(Get().ok());
  clock_.Advance(absl::Minutes(42));
  ASSERT_TRUE(Get().ok());
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  clock_.Advance(absl::Minutes(12));
  PushToken(absl::Hours(1), 2);
  ASSERT_TRUE(Get().ok());
  EXPECT_THAT(transport_.requests(), SizeIs(2));
}

TEST_F(ManagedIdentityAssertionTest, ServesOnWhileRefreshesFailButNeverInItsLastMoments) {
  assertion_ = Make(home_.get_executor());
  PushToken(absl::Hours(24));
  ASSERT_TRUE(Get().ok());
  clock_.Advance(absl::Hours(20));
  transport_.SetHandler([](const HttpRequest&) { return testing::MakeResponse(503, "canary"); });
  EXPECT_TRUE(Get().ok());
  EXPECT_THAT(transport_.requests(), SizeIs(4));
  EXPECT_TRUE(Get().ok());
  EXPECT_THAT(transport_.requests(), SizeIs(4));  // The failure is remembered.
  clock_.Advance(absl::Hours(4) - absl::Minutes(4));
  const auto last = Get();
  EXPECT_EQ(last.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(last.status().message()), Not(HasSubstr("canary")));
}

TEST_F(ManagedIdentityAssertionTest, RemembersFailuresForLongerEachTime) {
  assertion_ = Make(home_.get_executor());
  transport_.SetHandler([](const HttpRequest&) { return testing::MakeResponse(200, "canary"); });
  std::size_t asked = 0;
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_EQ(Get().status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(transport_.requests(), SizeIs(++asked));
    clock_.Advance(absl::Seconds(wait) - absl::Milliseconds(1));
    EXPECT_FALSE(Get().ok());
    EXPECT_THAT(transport_.requests(), SizeIs(asked));
    clock_.Advance(absl::Milliseconds(1));
  }
  PushToken(absl::Hours(1));
  EXPECT_TRUE(Get().ok());
}

TEST_F(ManagedIdentityAssertionTest, RemembersARefusalForTenSeconds) {
  assertion_ = Make(home_.get_executor());
  transport_.SetHandler([](const HttpRequest&) { return testing::MakeResponse(400, "canary"); });
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(Get().status().code(), absl::StatusCode::kFailedPrecondition);
    clock_.Advance(absl::Seconds(9));
    EXPECT_FALSE(Get().ok());
    EXPECT_THAT(transport_.requests(), SizeIs(i));
    clock_.Advance(absl::Seconds(1));
  }
}

TEST_F(ManagedIdentityAssertionTest, WaitsAsLongAsThePlatformSays) {
  assertion_ = Make(home_.get_executor());
  transport_.Push(429, "", {{"retry-after", "70"}});
  EXPECT_FALSE(Get().ok());
  clock_.Advance(absl::Seconds(69));
  EXPECT_FALSE(Get().ok());
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  clock_.Advance(absl::Seconds(1));
  PushToken(absl::Hours(1));
  EXPECT_TRUE(Get().ok());
}

TEST_F(ManagedIdentityAssertionTest, TakesNoTokenThatIsNoJwtOrHasExpiredByItsOwnWord) {
  assertion_ = Make(home_.get_executor());
  transport_.Push(200, R"({"access_token":"canary","expires_in":3600})");
  EXPECT_FALSE(Get().ok());
  clock_.Advance(absl::Minutes(2));
  transport_.Push(
      200, absl::StrCat(R"({"expires_in":3600,"access_token":")", Jwt(-absl::Minutes(1)), "\"}"));
  const auto expired = Get();
  EXPECT_EQ(expired.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(expired.status().message()), HasSubstr("has expired"));
  EXPECT_EQ(assertion_->version(), 0u);
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("canary")));

  // The shorter of the two lives counts.
  clock_.Advance(absl::Minutes(2));
  transport_.Push(
      200, absl::StrCat(R"({"expires_in":86400,"access_token":")", Jwt(absl::Minutes(10)), "\"}"));
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(assertion_->expires_at(), clock_.Now() + absl::Minutes(10));
}

TEST_F(ManagedIdentityAssertionTest, IsSharedByLoopsOnThreadsOfTheirOwn) {
  EventLoop home;
  transport_.SetHandler([this](const HttpRequest&) {
    return testing::MakeResponse(
        200, absl::StrCat(R"({"expires_in":3600,"access_token":")", Jwt(absl::Hours(1)), "\"}"));
  });
  assertion_ = Make(home.context().get_executor());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 50; ++j) EXPECT_TRUE(RunAwaitable(assertion_->Get()).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  testing::CallOnLoop(home.context(), [this] { EXPECT_THAT(transport_.requests(), SizeIs(1)); });
}

TEST_F(ManagedIdentityAssertionTest, OfOneNameIsOneWhileSomebodyUsesIt) {
  ManagedIdentityAssertions assertions({home_.get_executor(), *client_, clock_, random_});
  const auto identity = std::make_shared<const ManagedIdentity>();
  auto first = assertions.For("a", identity, "x");
  EXPECT_EQ(assertions.For("a", identity, "x"), first);
  EXPECT_NE(assertions.For("b", identity, "x"), first);
  const std::weak_ptr<ManagedIdentityAssertion> gone = first;
  first.reset();
  EXPECT_TRUE(gone.expired());
  EXPECT_NE(assertions.For("a", identity, "x"), nullptr);
}

TEST_F(ManagedIdentityAssertionTest, AuthenticatesTheClient) {
  EventLoop home;
  ManagedIdentityCredential credential("crm/0", Make(home.context().get_executor()), environment_);
  PushToken(absl::Hours(1));
  TokenEndpointRequest request;
  request.client_id = "client 1";
  ASSERT_EQ(RunAwaitable(credential.AddTo(request)), absl::OkStatus());
  auto form = Plain(request.form);
  EXPECT_THAT(form, SizeIs(3));
  EXPECT_EQ(form["client_id"], "client 1");
  EXPECT_EQ(form["client_assertion"], Jwt(absl::Hours(1)));
  EXPECT_EQ(form["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  EXPECT_EQ(request.credential_version, 1u);
  EXPECT_EQ(credential.version(), 1u);

  clock_.Advance(absl::Minutes(58));
  transport_.SetHandler([](const HttpRequest&) { return testing::MakeResponse(400, "{}"); });
  TokenEndpointRequest none;
  EXPECT_EQ(RunAwaitable(credential.AddTo(none)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(none.form, SizeIs(0));
}

}  // namespace
}  // namespace tokensvc
