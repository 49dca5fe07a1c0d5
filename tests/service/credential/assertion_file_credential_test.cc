// SPDX-License-Identifier: Apache-2.0
#include "service/credential/assertion_file_credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "service/jose/thumbprint.h"
#include "tests/service/credential/credential_fixture.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::tokensvc::testing::Plain;

class AssertionFileCredentialTest : public testing::CredentialFixture {
 protected:
  /// A JWT that ends `life` from now; the signature is the canary.
  std::string Jwt(absl::Duration life) const {
    return absl::StrCat(
        Base64Url(R"({"alg":"RS256"})"), ".",
        Base64Url(absl::StrCat("{\"exp\":", absl::ToUnixSeconds(clock_.Now() + life), "}")),
        ".canary");
  }

  std::shared_ptr<AssertionFileCredential> Make(const std::string& path) {
    auto made = AssertionFileCredential::Create("crm/0", path, environment_);
    EXPECT_TRUE(made.ok()) << made.status();
    return *made;
  }

  absl::Status Add(AssertionFileCredential& credential) {
    request_ = TokenEndpointRequest();
    request_.token_endpoint = "https://login.example/token";
    request_.client_id = "client 1";
    return RunAwaitable(credential.AddTo(request_));
  }

  double SecondsToExpiry() const {
    double seconds = 0;
    registry_.ForEach([&seconds](const MetricRegistry::Entry& entry) {
      if (entry.name == "tokensvc_credential_assertion_seconds_to_expiry") {
        seconds = entry.computed();
      }
    });
    return seconds;
  }

  TokenEndpointRequest request_;
};

TEST_F(AssertionFileCredentialTest, SendsWhatTheFileHolds) {
  const std::string jwt = Jwt(absl::Hours(1));
  const auto credential = Make(Write("a", "\n " + jwt + " \r\n"));
  ASSERT_EQ(Add(*credential), absl::OkStatus());
  EXPECT_THAT(Plain(request_.form),
              ElementsAre(Pair("client_assertion", jwt),
                          Pair("client_assertion_type",
                               "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                          Pair("client_id", "client 1")));
  EXPECT_THAT(request_.headers, IsEmpty());
  EXPECT_EQ(request_.credential_version, 1u);
  EXPECT_EQ(credential->id(), "crm/0");
}

TEST_F(AssertionFileCredentialTest, FollowsTheFile) {
  const auto credential = Make(Write("a", Jwt(absl::Minutes(5))));
  const std::string next = Jwt(absl::Minutes(50));
  Write("a", next);
  PassInterval();
  ASSERT_EQ(Add(*credential), absl::OkStatus());
  EXPECT_EQ(Plain(request_.form)["client_assertion"], next);
  EXPECT_EQ(request_.credential_version, 2u);
  EXPECT_EQ(Counters().reloads.Value(), 1);
}

TEST_F(AssertionFileCredentialTest, AnExpiredAssertionIsNotSentAndSaysSinceWhen) {
  const auto credential = Make(Write("a", Jwt(absl::Hours(1))));
  clock_.Advance(absl::Hours(1));
  const absl::Status status = Add(*credential);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(status.message(), "the assertion expired at 2026-01-02T04:04:05Z: its file is stale");
  EXPECT_THAT(request_.form, IsEmpty());
  Write("a", Jwt(absl::Hours(1)));
  PassInterval();
  EXPECT_EQ(Add(*credential), absl::OkStatus());
}

TEST_F(AssertionFileCredentialTest, StartsWithAnExpiredAssertion) {
  const auto credential = Make(Write("a", Jwt(-absl::Hours(1))));
  EXPECT_EQ(logger_.Count("credential_expired"), 1u);
  EXPECT_TRUE(absl::IsFailedPrecondition(Add(*credential)));
}

TEST_F(AssertionFileCredentialTest, KeepsTheOldOneWhileTheFileIsBroken) {
  const std::string old = Jwt(absl::Hours(1));
  const auto credential = Make(Write("a", old));
  for (const std::string& broken :
       {std::string("canary"), std::string(), Jwt(-absl::Hours(1)), std::string(65 << 10, 'x')}) {
    Write("a", broken);
    PassInterval();
    ASSERT_EQ(Add(*credential), absl::OkStatus());
    EXPECT_EQ(Plain(request_.form)["client_assertion"], old);
  }
  EXPECT_EQ(Counters().reload_failures.Value(), 4);
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("canary")));
}

TEST_F(AssertionFileCredentialTest, RefusesWhatIsNoAssertionWithoutShowingIt) {
  for (const char* text : {"", "canary", "a.canary.c", "\xff"}) {
    const auto made = AssertionFileCredential::Create("crm/0", Write("a", text), environment_);
    ASSERT_FALSE(made.ok());
    EXPECT_THAT(std::string(made.status().message()), Not(HasSubstr("canary")));
  }
  EXPECT_TRUE(absl::IsNotFound(
      AssertionFileCredential::Create("crm/0", Path("none"), environment_).status()));
}

TEST_F(AssertionFileCredentialTest, AMetricCountsTheSecondsToExpiry) {
  auto credential = Make(Write("a", Jwt(absl::Hours(1))));
  EXPECT_EQ(SecondsToExpiry(), 3600);
  clock_.Advance(absl::Minutes(61));
  EXPECT_EQ(SecondsToExpiry(), -60);
  credential.reset();
  EXPECT_TRUE(std::isnan(SecondsToExpiry()));
}

TEST_F(AssertionFileCredentialTest, AFullWorkerQueueDoesNotStopARequest) {
  WorkerPool none(1, 0);
  const CredentialEnvironment environment{clock_, random_, none, logger_, metrics_};
  const std::string jwt = Jwt(absl::Hours(1));
  const auto credential =
      AssertionFileCredential::Create("crm/0", Write("a", jwt), environment).value();
  PassInterval();
  ASSERT_EQ(Add(*credential), absl::OkStatus());
  EXPECT_EQ(Plain(request_.form)["client_assertion"], jwt);
}

}  // namespace
}  // namespace tokensvc
