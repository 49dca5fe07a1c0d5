// SPDX-License-Identifier: Apache-2.0
#include "service/authority/authority_metadata.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/io_context.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/authority/canary.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_http_transport.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr absl::string_view kDocument =
    R"({"issuer":"https://login.example","token_endpoint":"https://login.example/token"})";
constexpr absl::string_view kTenant = "contoso.example";

class AuthorityMetadataTest : public ::testing::Test {
 protected:
  using Outcome = std::optional<Result<TokenEndpoint>>;

  ~AuthorityMetadataTest() override {
    EXPECT_THAT(logger_.AllText(), Not(HasSubstr(std::string(kCanary))));
  }

  static asio::awaitable<void> Ask(AuthorityMetadata* metadata,
                                   std::shared_ptr<const Authority> authority, std::string tenant,
                                   std::shared_ptr<Outcome> outcome) {
    auto pending = metadata->TokenEndpointFor(std::move(authority), std::move(tenant));
    outcome->emplace(co_await std::move(pending));
  }

  std::shared_ptr<Outcome> Start(std::shared_ptr<const Authority> authority, std::string tenant) {
    auto outcome = std::make_shared<Outcome>();
    asio::co_spawn(loop_, Ask(&metadata_, std::move(authority), std::move(tenant), outcome),
                   asio::detached);
    return outcome;
  }

  /// Runs what can run.
  void Poll() {
    loop_.restart();
    loop_.poll();
  }

  Result<TokenEndpoint> Resolve(std::shared_ptr<const Authority> authority,
                                std::string tenant = "") {
    const std::shared_ptr<Outcome> outcome = Start(std::move(authority), std::move(tenant));
    Poll();
    EXPECT_TRUE(outcome->has_value()) << "still waiting";
    if (!outcome->has_value()) return Error();
    if (!(*outcome)->ok()) {
      EXPECT_THAT(VisibleText((*outcome)->error()), Not(HasSubstr(std::string(kCanary))));
    }
    return std::move(**outcome);
  }

  Result<TokenEndpoint> ResolveOidc() { return Resolve(oidc_); }
  Result<TokenEndpoint> ResolveEntra(const Authority& authority) {
    return Resolve(std::make_shared<const Authority>(authority), std::string(kTenant));
  }

  static std::shared_ptr<const Authority> MakeOidc(std::string issuer) {
    auto authority = std::make_shared<Authority>();
    authority->name = "main";
    authority->kind = AuthorityKind::kOidc;
    authority->issuer = std::move(issuer);
    authority->ca_file = "ca.pem";
    authority->request_timeout = absl::Seconds(3);
    return authority;
  }

  testing::FakeHttpTransport transport_;
  testing::FakeClock clock_;
  testing::CapturingLogger logger_;
  MetricRegistry registry_;
  AuthorityMetrics metrics_{registry_};
  AuthorityMetadata metadata_{transport_, clock_, logger_, metrics_};
  std::shared_ptr<const Authority> oidc_ = MakeOidc("https://login.example");
  asio::io_context loop_{1};
};

TEST_F(AuthorityMetadataTest, AsksAProviderOnceADay) {
  transport_.Push(200, kDocument);
  const auto first = ResolveOidc();
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->url, "https://login.example/token");
  ASSERT_THAT(transport_.requests(), SizeIs(1));
  const HttpRequest& request = transport_.requests()[0];
  EXPECT_EQ(request.url, "https://login.example/.well-known/openid-configuration");
  EXPECT_EQ(request.ca_file, "ca.pem");
  EXPECT_EQ(request.timeout, absl::Seconds(3));
  EXPECT_EQ(request.max_body_bytes, std::size_t{1} << 20);
  clock_.Advance(absl::Hours(11));
  EXPECT_TRUE(ResolveOidc().ok());
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  EXPECT_EQ(metrics_.provider_ok.Value(), 1);
}

TEST_F(AuthorityMetadataTest, AnswersTheOldDocumentAtOnceWhileItFetchesTheNext) {
  transport_.Push(200, kDocument);
  ASSERT_TRUE(ResolveOidc().ok());
  clock_.Advance(absl::Hours(13));
  transport_.Hold();
  const auto old = ResolveOidc();
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(old->url, "https://login.example/token");
  EXPECT_TRUE(ResolveOidc().ok());
  EXPECT_THAT(transport_.requests(), SizeIs(2));
  transport_.Push(
      200, R"({"issuer":"https://login.example","token_endpoint":"https://login.example/new"})");
  transport_.Release();
  Poll();
  EXPECT_EQ(ResolveOidc()->url, "https://login.example/new");
  EXPECT_THAT(transport_.requests(), SizeIs(2));
}

TEST_F(AuthorityMetadataTest, KeepsTheOldDocumentForAWeekWhileRefreshingFails) {
  transport_.Push(200, kDocument);
  ASSERT_TRUE(ResolveOidc().ok());
  for (int day = 1; day <= 6; ++day) {
    clock_.Advance(absl::Hours(24));
    EXPECT_TRUE(ResolveOidc().ok()) << day;
  }
  clock_.Advance(absl::Hours(25));
  EXPECT_EQ(ResolveOidc().error().reason, Reason::kAuthorityUnavailable);
}

TEST_F(AuthorityMetadataTest, GivesUpTheOldDocumentAfterADayWhenTheNewOneIsUntrusted) {
  transport_.Push(200, kDocument);
  ASSERT_TRUE(ResolveOidc().ok());
  const std::string foreign =
      R"({"issuer":"https://CANARY-8f3a1c.example","token_endpoint":"https://login.example/t"})";
  transport_.SetHandler(
      [foreign](const HttpRequest&) { return testing::MakeResponse(200, foreign); });
  clock_.Advance(absl::Hours(13));
  EXPECT_TRUE(ResolveOidc().ok());
  clock_.Advance(absl::Hours(12));
  const auto refused = ResolveOidc();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, Reason::kAuthorityUntrusted);
  EXPECT_EQ(refused.error().code, absl::StatusCode::kFailedPrecondition);
  EXPECT_GE(logger_.Count("authority_metadata_refused"), 1u);
}

TEST_F(AuthorityMetadataTest, RemembersFailuresForFiveSecondsDoublingToAMinute) {
  const int seconds[] = {5, 10, 20, 40, 60, 60};
  std::size_t requests = 0;
  for (const int wait : seconds) {
    const auto failed = ResolveOidc();
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().retry_after, absl::Seconds(wait));
    EXPECT_THAT(transport_.requests(), SizeIs(++requests));
    clock_.Advance(absl::Seconds(wait - 2));
    const auto again = ResolveOidc();
    EXPECT_EQ(again.error().reason, Reason::kAuthorityUnavailable);
    EXPECT_EQ(again.error().retry_after, absl::Seconds(2));
    EXPECT_THAT(transport_.requests(), SizeIs(requests));
    clock_.Advance(absl::Seconds(2));
  }
  transport_.Push(200, kDocument);
  EXPECT_TRUE(ResolveOidc().ok());
}

TEST_F(AuthorityMetadataTest, GivesEachFailureItsReason) {
  struct Case {
    testing::FakeHttpTransport::Answer answer;
    Reason reason;
  };
  std::vector<Case> cases;
  cases.push_back({absl::UnauthenticatedError(kCanary), Reason::kAuthorityUntrusted});
  cases.push_back({absl::OutOfRangeError(kCanary), Reason::kAuthorityResponseInvalid});
  cases.push_back({absl::DeadlineExceededError(kCanary), Reason::kAuthorityUnavailable});
  cases.push_back({testing::MakeResponse(302, kCanary), Reason::kAuthorityResponseInvalid});
  cases.push_back({testing::MakeResponse(404, kCanary), Reason::kAuthorityResponseInvalid});
  cases.push_back({testing::MakeResponse(500, kCanary), Reason::kAuthorityUnavailable});
  cases.push_back({testing::MakeResponse(429, kCanary), Reason::kAuthorityUnavailable});
  cases.push_back({testing::MakeResponse(200, kCanary), Reason::kAuthorityResponseInvalid});
  for (Case& c : cases) {
    const Reason reason = c.reason;
    transport_.Push(std::move(c.answer));
    const auto failed = ResolveOidc();
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().reason, reason);
    EXPECT_EQ(failed.error().retry_after.has_value(), reason != Reason::kAuthorityUntrusted);
    clock_.Advance(absl::Seconds(61));
  }
}

TEST_F(AuthorityMetadataTest, SharesOneRequestAmongAThousandCalls) {
  transport_.Hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 1000; ++i) outcomes.push_back(Start(oidc_, ""));
  Poll();
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  transport_.Push(200, kDocument);
  transport_.Release();
  Poll();
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(outcome->has_value());
    EXPECT_TRUE((*outcome)->ok());
  }
  EXPECT_THAT(transport_.requests(), SizeIs(1));
}

TEST_F(AuthorityMetadataTest, DoesNotShareAmongAuthoritiesThatTrustDifferently) {
  transport_.Push(200, kDocument);
  ASSERT_TRUE(ResolveOidc().ok());
  Authority other = *oidc_;
  other.allowed_hosts = {"tokens.example"};
  transport_.Push(200, kDocument);
  ASSERT_TRUE(Resolve(std::make_shared<const Authority>(other)).ok());
  EXPECT_THAT(transport_.requests(), SizeIs(2));
}

TEST_F(AuthorityMetadataTest, SurvivesALoopThatEndsInTheMiddleOfARequest) {
  transport_.Hold();
  auto loop = std::make_unique<asio::io_context>(1);
  auto outcome = std::make_shared<Outcome>();
  asio::co_spawn(*loop, Ask(&metadata_, oidc_, "", outcome), asio::detached);
  loop->poll();
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  // The transport's own timers belong to the loop as well.
  transport_.Release();
  loop.reset();
  EXPECT_FALSE(outcome->has_value());
  transport_.Push(200, kDocument);
  EXPECT_TRUE(ResolveOidc().ok());
}

TEST_F(AuthorityMetadataTest, RefusesATenantWhereThereAreNone) {
  const auto refused = Resolve(oidc_, "contoso.example");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().violations.at(0).field, "tenant");
  EXPECT_THAT(transport_.requests(), SizeIs(0));
}

TEST_F(AuthorityMetadataTest, AsksNobodyAboutAFixedEndpoint) {
  for (const AuthorityKind kind :
       {AuthorityKind::kAdfs, AuthorityKind::kB2c, AuthorityKind::kCiam}) {
    auto authority = std::make_shared<Authority>();
    authority->kind = kind;
    authority->token_endpoint = "https://fs.example/adfs/oauth2/token";
    const auto endpoint = Resolve(authority);
    ASSERT_TRUE(endpoint.ok()) << endpoint.error().message;
    EXPECT_EQ(endpoint->url, "https://fs.example/adfs/oauth2/token");
    EXPECT_EQ(Resolve(authority, std::string(kTenant)).error().reason, Reason::kInvalidRequest);
  }
  EXPECT_THAT(transport_.requests(), SizeIs(0));
}

TEST_F(AuthorityMetadataTest, BuildsAnEntraEndpointWithoutAskingAnybody) {
  Authority authority;
  authority.instance_discovery = false;
  EXPECT_EQ(ResolveEntra(authority)->url,
            "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
  authority.region = "westeurope";
  EXPECT_EQ(ResolveEntra(authority)->url,
            "https://westeurope.login.microsoft.com/contoso.example/oauth2/v2.0/token");
  authority.region.clear();
  authority.base_url = "http://127.0.0.1:8080";
  EXPECT_EQ(ResolveEntra(authority)->url,
            "http://127.0.0.1:8080/contoso.example/oauth2/v2.0/token");
  EXPECT_THAT(transport_.requests(), SizeIs(0));
}

TEST_F(AuthorityMetadataTest, AsksForAnInstanceOncePerHostForAllTenants) {
  Authority authority;
  authority.base_url = "https://login.windows.net";
  transport_.Push(200, R"({"metadata":[{"preferred_network":"login.microsoftonline.com",)"
                       R"("aliases":["login.windows.net","login.microsoftonline.com"]}]})");
  EXPECT_EQ(ResolveEntra(authority)->url,
            "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
  const auto shared = std::make_shared<const Authority>(authority);
  EXPECT_TRUE(Resolve(shared, "fabrikam.example").ok());
  ASSERT_THAT(transport_.requests(), SizeIs(1));
  EXPECT_EQ(
      transport_.requests()[0].url,
      "https://login.windows.net/common/discovery/instance?api-version=1.1&authorization_endpoint="
      "https%3A%2F%2Flogin.windows.net%2Fcommon%2Foauth2%2Fv2.0%2Fauthorize");
}

TEST_F(AuthorityMetadataTest, AsksThePublicCloudAboutAHostThatIsNotKnown) {
  Authority authority;
  authority.base_url = "https://login.private.example";
  authority.ca_file = "private.pem";
  ASSERT_TRUE(ResolveEntra(authority).ok());
  EXPECT_THAT(transport_.requests()[0].url, StartsWith("https://login.microsoftonline.com/"));
  EXPECT_EQ(transport_.requests()[0].ca_file, "");
}

TEST_F(AuthorityMetadataTest, RefusesAnAuthorityThatTheCloudDoesNotKnow) {
  Authority authority;
  authority.base_url = "https://evil.example";
  transport_.Push(400, R"({"error":"invalid_instance","error_description":"CANARY-8f3a1c"})");
  const auto refused = ResolveEntra(authority);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, Reason::kAuthorityUntrusted);
}

TEST_F(AuthorityMetadataTest,
       GoesOnWithTheKnownHostWhenInstanceDiscoveryFailsAndTriesAgainInAMinute) {
  Authority authority;
  std::vector<testing::FakeHttpTransport::Answer> answers;
  answers.push_back(absl::UnauthenticatedError(kCanary));
  answers.push_back(absl::UnavailableError(kCanary));
  answers.push_back(testing::MakeResponse(500, kCanary));
  answers.push_back(testing::MakeResponse(200, kCanary));
  answers.push_back(testing::MakeResponse(400, R"({"error":"invalid_request"})"));
  std::size_t requests = 0;
  for (auto& answer : answers) {
    transport_.Push(std::move(answer));
    EXPECT_EQ(ResolveEntra(authority)->url,
              "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
    EXPECT_THAT(transport_.requests(), SizeIs(++requests));
    clock_.Advance(absl::Seconds(59));
    EXPECT_TRUE(ResolveEntra(authority).ok());
    EXPECT_THAT(transport_.requests(), SizeIs(requests));
    clock_.Advance(absl::Seconds(1));
  }
}

TEST_F(AuthorityMetadataTest, RefusesTenantsAndConfigurationsThatAreNone) {
  const auto entra = std::make_shared<const Authority>();
  const auto refused = Resolve(entra, "../../x");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, Reason::kInvalidRequest);
  Authority broken;
  broken.base_url = "https://login.example/CANARY-8f3a1c";
  EXPECT_EQ(ResolveEntra(broken).error().reason, Reason::kRegistrationMisconfigured);
  EXPECT_THAT(transport_.requests(), SizeIs(0));
}

// Named, not lambdas: a coroutine must not outlive its captures.
asio::awaitable<Result<int>> Count(int* fetches) { co_return ++*fetches; }

asio::awaitable<void> GetOne(DocumentCache<int>* cache, std::string key, int* fetches) {
  DocumentCache<int>::Fetch fetch = [fetches] { return Count(fetches); };
  auto pending = cache->Get(std::move(key), std::move(fetch));
  const auto result = co_await std::move(pending);
  EXPECT_TRUE(result.ok());
}

TEST(DocumentCache, ForgetsTheLeastRecentlyUsedBeyondItsBound) {
  testing::FakeClock clock;
  DocumentPolicy policy;
  policy.max_documents = 2;
  DocumentCache<int> cache(clock, policy);
  asio::io_context loop(1);
  int fetches = 0;
  const auto get = [&](const char* key) {
    clock.Advance(absl::Seconds(1));
    asio::co_spawn(loop, GetOne(&cache, key, &fetches), asio::detached);
    loop.restart();
    loop.poll();
  };
  get("a");
  get("b");
  get("a");
  get("c");
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(fetches, 3);
  get("a");
  EXPECT_EQ(fetches, 3);
  get("b");
  EXPECT_EQ(fetches, 4);
}

}  // namespace
}  // namespace tokensvc
