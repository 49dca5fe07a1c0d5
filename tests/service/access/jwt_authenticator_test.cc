// SPDX-License-Identifier: Apache-2.0
#include "service/access/jwt_authenticator.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "absl/strings/ascii.h"
#include "base/event_loop.h"
#include "tests/service/access/issuer_keys_fixture.h"
#include "tests/testing/run_on_loop.h"

namespace tokensvc {
namespace {

using ::testing::SizeIs;
using ::tokensvc::testing::EcKey;
using ::tokensvc::testing::GoodClaims;
using ::tokensvc::testing::GoodToken;
using ::tokensvc::testing::JwkOf;
using ::tokensvc::testing::JwkSetText;
using ::tokensvc::testing::RsaKey;

JwtVerifier VerifierFor(const std::string& issuer, const std::string& audience) {
  JwtProfile profile;
  profile.issuer = issuer;
  profile.audiences = {audience};
  return JwtVerifier::Create(profile).value();
}

class JwtAuthenticatorTest : public testing::IssuerKeysFixture {
 protected:
  using Outcome = std::optional<JwtAuthenticator::Outcome>;

  std::shared_ptr<JwtAuthenticator> Make(std::vector<TrustedIssuer> issuers) {
    return JwtAuthenticator::Create(std::move(issuers), clock_, jwt_metrics_);
  }

  TrustedIssuer Issuer(std::shared_ptr<IssuerKeys> keys) {
    return {"main", VerifierFor(testing::kTestIssuer, testing::kTestAudience), std::move(keys)};
  }

  /// An authenticator whose issuer's keys were fetched: `rsa` and `ec`.
  std::shared_ptr<JwtAuthenticator> MakeReady() {
    keys_ = MakeKeys();
    transport_.Push(200, JwkSetText({JwkOf(RsaKey(), "rsa"), JwkOf(EcKey(), "ec")}));
    EXPECT_NE(Ask(*keys_), nullptr);
    return Make({Issuer(keys_)});
  }

  static std::shared_ptr<Outcome> Start(JwtAuthenticator& authenticator, absl::string_view token,
                                        absl::Duration at_most = absl::Minutes(1)) {
    auto outcome = std::make_shared<Outcome>();
    authenticator.Authenticate(token, at_most, [outcome](JwtAuthenticator::Outcome result) {
      EXPECT_FALSE(outcome->has_value()) << "called twice";
      *outcome = std::move(result);
    });
    return outcome;
  }

  /// The caller's id, or the refusal's name.
  std::string Verdict(JwtAuthenticator& authenticator, absl::string_view token) {
    const auto outcome = Start(authenticator, token);
    if (!outcome->has_value()) Poll();
    return Text(*outcome);
  }

  static std::string Text(const Outcome& outcome) {
    if (!outcome.has_value()) return "waiting";
    return outcome->ok() ? (**outcome)->caller_id : std::string(JwtRefusalName(outcome->error()));
  }

  JwtMetrics jwt_metrics_{registry_};
  std::shared_ptr<RefreshingIssuerKeys> keys_;
};

TEST_F(JwtAuthenticatorTest, NamesTheCallerAndRemembersTheToken) {
  const auto authenticator = MakeReady();
  const std::string token = GoodToken(EcKey(), "ec");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Verdict(*authenticator, token), "jwt:main:orders");
  EXPECT_EQ(jwt_metrics_.verified().Value(), 1);
  EXPECT_EQ(jwt_metrics_.remembered().Value(), 2);
  const auto outcome = Start(*authenticator, token);
  EXPECT_EQ((***outcome)->issuer_name, "main");
  EXPECT_EQ((***outcome)->claims.expires_at, clock_.Now() + absl::Hours(1));
}

TEST_F(JwtAuthenticatorTest, SubjectsOfDifferentTenantsAreDifferentCallers) {
  keys_ = MakeKeys();
  transport_.Push(200, JwkSetText({JwkOf(EcKey(), "ec")}));
  ASSERT_NE(Ask(*keys_), nullptr);
  const auto authenticator = Make(
      {{"main", VerifierFor("https://issuer.example/{tenantid}", testing::kTestAudience), keys_}});
  for (const std::string tenant :
       {"11111111-aaaa-1111-1111-111111111111", "22222222-AAAA-2222-2222-222222222222"}) {
    Json claims = GoodClaims();
    claims["iss"] = "https://issuer.example/" + tenant;
    claims["tid"] = tenant;
    EXPECT_EQ(Verdict(*authenticator, GoodToken(EcKey(), "ec", claims)),
              absl::StrCat("jwt:main:", absl::AsciiStrToLower(tenant), ":orders"));
  }
}

TEST_F(JwtAuthenticatorTest, ARememberedTokenEndsWhenItExpires) {
  const auto authenticator = MakeReady();
  const std::string token = GoodToken(EcKey(), "ec");
  EXPECT_EQ(Verdict(*authenticator, token), "jwt:main:orders");
  clock_.Advance(absl::Hours(1) - absl::Seconds(1));
  EXPECT_EQ(Verdict(*authenticator, token), "jwt:main:orders");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Verdict(*authenticator, token), "expired");
  EXPECT_EQ(authenticator->remembered(), 0u);
}

TEST_F(JwtAuthenticatorTest, ARememberedTokenEndsWhenItsKeyLeaves) {
  const auto authenticator = MakeReady();
  Json claims = GoodClaims();
  claims["exp"] = absl::ToUnixSeconds(clock_.Now() + absl::Hours(20));
  const std::string by_ec = GoodToken(EcKey(), "ec", claims);
  const std::string by_rsa = GoodToken(RsaKey(), "rsa", claims);
  EXPECT_EQ(Verdict(*authenticator, by_ec), "jwt:main:orders");
  EXPECT_EQ(Verdict(*authenticator, by_rsa), "jwt:main:orders");
  clock_.Advance(absl::Hours(1));
  transport_.Push(200, JwkSetText({JwkOf(RsaKey(), "rsa")}));
  Ask(*keys_);
  EXPECT_EQ(Verdict(*authenticator, by_ec), "unknown_key");
  EXPECT_EQ(Verdict(*authenticator, by_rsa), "jwt:main:orders");
  EXPECT_EQ(jwt_metrics_.verified().Value(), 3);
  EXPECT_EQ(authenticator->remembered(), 1u);
}

TEST_F(JwtAuthenticatorTest, NothingIsRememberedOnceTheKeysAreTooOld) {
  const auto authenticator = MakeReady();
  Json claims = GoodClaims();
  claims["iat"] = absl::ToUnixSeconds(clock_.Now() + absl::Seconds(60));
  claims["exp"] = absl::ToUnixSeconds(clock_.Now() + absl::Hours(24) + absl::Seconds(60));
  const std::string token = GoodToken(EcKey(), "ec", claims);
  EXPECT_EQ(Verdict(*authenticator, token), "jwt:main:orders");
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(Verdict(*authenticator, token), "keys_unavailable");
}

TEST_F(JwtAuthenticatorTest, TheFirstCallWaitsForTheKeys) {
  keys_ = MakeKeys();
  const auto authenticator = Make({Issuer(keys_)});
  transport_.Push(200, JwkSetText({JwkOf(EcKey(), "ec")}));
  EXPECT_EQ(Verdict(*authenticator, GoodToken(EcKey(), "ec")), "jwt:main:orders");
}

TEST_F(JwtAuthenticatorTest, AnIssuerThatIsDownIsNoWordAgainstTheToken) {
  keys_ = MakeKeys();
  const auto authenticator = Make({Issuer(keys_)});
  EXPECT_EQ(Verdict(*authenticator, GoodToken(EcKey(), "ec")), "keys_unavailable");
  EXPECT_EQ(jwt_metrics_.refused(JwtRefusal::kKeysUnavailable).Value(), 1);
}

TEST_F(JwtAuthenticatorTest, ANewKeyIsFoundByTheFirstTokenUnderIt) {
  const auto authenticator = MakeReady();
  const SslPtr<EVP_PKEY> next(EVP_EC_gen("P-256"));
  clock_.Advance(absl::Minutes(1));
  transport_.Push(200, JwkSetText({JwkOf(EcKey(), "ec"), JwkOf(next.get(), "next")}));
  EXPECT_EQ(Verdict(*authenticator, GoodToken(next.get(), "next")), "jwt:main:orders");
  EXPECT_THAT(transport_.requests(), SizeIs(2));
}

TEST_F(JwtAuthenticatorTest, AFloodOfUnknownKeysCausesOneRequest) {
  const auto authenticator = MakeReady();
  clock_.Advance(absl::Minutes(1));
  transport_.SetHandler([](const HttpRequest&) {
    return testing::MakeResponse(200, JwkSetText({JwkOf(RsaKey(), "rsa"), JwkOf(EcKey(), "ec")}));
  });
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(Verdict(*authenticator, GoodToken(EcKey(), absl::StrCat("k", i))), "unknown_key");
  }
  EXPECT_THAT(transport_.requests(), SizeIs(2));
  EXPECT_EQ(Verdict(*authenticator, GoodToken(EcKey(), "ec")), "jwt:main:orders");
}

TEST_F(JwtAuthenticatorTest, BadTokensAreRefusedWithoutALookAtTheIssuer) {
  const auto authenticator = MakeReady();
  clock_.Advance(absl::Minutes(1));
  const std::string good = GoodToken(EcKey(), "ec");
  Json expired = GoodClaims();
  expired["exp"] = 1;
  EXPECT_EQ(Verdict(*authenticator, ""), "malformed");
  EXPECT_EQ(Verdict(*authenticator, std::string(kMaxJwtBytes + 1, 'A')), "too_large");
  EXPECT_EQ(Verdict(*authenticator, GoodToken(RsaKey(1), "rsa")), "signature");
  EXPECT_EQ(Verdict(*authenticator, GoodToken(EcKey(), "unknown", expired)), "expired");
  EXPECT_EQ(Verdict(*authenticator, good.substr(0, good.size() - 2) + "AA"), "signature");
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  EXPECT_EQ(authenticator->remembered(), 0u);
  EXPECT_EQ(jwt_metrics_.refused(JwtRefusal::kSignature).Value(), 2);
  EXPECT_EQ(jwt_metrics_.refused(JwtRefusal::kTooLarge).Value(), 1);
}

TEST_F(JwtAuthenticatorTest, ATokenThatExpiresWhileItWaitsIsRefused) {
  keys_ = MakeKeys();
  const auto authenticator = Make({Issuer(keys_)});
  transport_.Hold();
  const auto outcome = Start(*authenticator, GoodToken(EcKey(), "ec"));
  Poll();
  EXPECT_EQ(Text(*outcome), "waiting");
  clock_.Advance(absl::Hours(1));
  transport_.Push(200, JwkSetText({JwkOf(EcKey(), "ec")}));
  transport_.Release();
  Poll();
  EXPECT_EQ(Text(*outcome), "expired");
}

TEST_F(JwtAuthenticatorTest, ItMayBeReplacedWhileATokenWaits) {
  keys_ = MakeKeys();
  auto authenticator = Make({Issuer(keys_)});
  transport_.Hold();
  const auto outcome = Start(*authenticator, GoodToken(EcKey(), "ec"));
  Poll();
  authenticator.reset();
  keys_.reset();
  transport_.Push(200, JwkSetText({JwkOf(EcKey(), "ec")}));
  transport_.Release();
  Poll();
  EXPECT_EQ(Text(*outcome), "jwt:main:orders");
}

TEST_F(JwtAuthenticatorTest, IssuersAreToldApartByIssuerAndAudience) {
  const auto a = MakeKeys(), b = MakeKeys(), c = MakeKeys();
  transport_.Push(200, JwkSetText({JwkOf(EcKey(), "ec")}));
  Ask(*a);
  transport_.Push(200, JwkSetText({JwkOf(RsaKey(), "rsa")}));
  Ask(*b);
  transport_.Push(200, JwkSetText({JwkOf(RsaKey(1), "rsa1")}));
  Ask(*c);
  const auto authenticator = Make({{"a", VerifierFor("https://a.example", "x"), a},
                                   {"b", VerifierFor("https://b.example", "x"), b},
                                   {"c", VerifierFor("https://b.example", "y"), c}});
  const auto claims = [](const std::string& issuer, const std::string& audience) {
    Json good = GoodClaims();
    good["iss"] = issuer;
    good["aud"] = audience;
    return good;
  };
  const auto verdict = [&](EVP_PKEY* key, const char* kid, const Json& token_claims) {
    return Verdict(*authenticator, GoodToken(key, kid, token_claims));
  };
  EXPECT_EQ(verdict(EcKey(), "ec", claims("https://a.example", "x")), "jwt:a:orders");
  EXPECT_EQ(verdict(RsaKey(), "rsa", claims("https://b.example", "x")), "jwt:b:orders");
  EXPECT_EQ(verdict(RsaKey(1), "rsa1", claims("https://b.example", "y")), "jwt:c:orders");
  // One issuer's key is nobody else's.
  EXPECT_EQ(verdict(EcKey(), "ec", claims("https://b.example", "x")), "unknown_key");
  EXPECT_EQ(verdict(RsaKey(), "rsa", claims("https://b.example", "y")), "unknown_key");
  EXPECT_EQ(verdict(RsaKey(), "rsa", claims("https://b.example", "z")), "audience");
  EXPECT_EQ(verdict(EcKey(), "ec", claims("https://d.example", "x")), "issuer");
}

// For ThreadSanitizer: callers on several threads while keys rotate on a loop.
TEST(JwtAuthenticatorThreads, RightTokensPassAndWrongOnesDoNotWhileKeysRotate) {
  testing::FakeClock clock;
  testing::CapturingLogger logger;
  MetricRegistry registry;
  IssuerKeysMetrics metrics(registry);
  JwtMetrics jwt_metrics(registry);
  testing::FakeHttpTransport transport;
  // In every set; what comes and goes beside it changes the digest.
  std::atomic<int> sets{0};
  transport.SetHandler([&sets](const HttpRequest&) {
    return testing::MakeResponse(
        200, JwkSetText({JwkOf(EcKey(), "ec"), JwkOf(RsaKey(), absl::StrCat("r", ++sets))}));
  });
  EventLoop loop;
  Authority issuer;
  issuer.name = "main";
  const auto keys = RefreshingIssuerKeys::Create(
      "main", std::make_unique<HttpJwkSetSource>(issuer, "https://keys.example/k", transport),
      IssuerKeysPolicy(), {loop.context(), clock, logger, metrics});
  JwtProfile profile;
  profile.issuer = testing::kTestIssuer;
  profile.audiences = {testing::kTestAudience};
  profile.max_lifetime = absl::Hours(24 * 365);
  Json claims = GoodClaims();
  claims["exp"] = absl::ToUnixSeconds(clock.Now() + absl::Hours(24 * 300));
  const auto authenticator = JwtAuthenticator::Create(
      {{"main", JwtVerifier::Create(profile).value(), keys}}, clock, jwt_metrics);
  const std::string good = GoodToken(EcKey(), "ec", claims);
  const std::string forged = GoodToken(RsaKey(1), "r1", claims);

  while (keys->Current() == nullptr) std::this_thread::yield();

  std::atomic<bool> rotated{false};
  std::atomic<int> asked{0}, answered{0}, passed{0}, forged_passed{0};
  const auto ask = [&](const std::string& token, std::atomic<int>& taken) {
    ++asked;
    authenticator->Authenticate(token, absl::Minutes(1), [&](JwtAuthenticator::Outcome outcome) {
      if (outcome.ok()) ++taken;
      ++answered;
    });
  };
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t) {
    callers.emplace_back([&] {
      do {
        ask(good, passed);
        ask(forged, forged_passed);
      } while (!rotated);
    });
  }
  for (int rotation = 1; rotation <= 20; ++rotation) {
    const std::string before = keys->Current()->digest();
    clock.Advance(absl::Hours(1));
    while (keys->Current()->digest() == before) std::this_thread::yield();
  }
  rotated = true;
  for (std::thread& caller : callers) caller.join();
  while (answered < asked) std::this_thread::yield();
  loop.Stop();
  EXPECT_EQ(passed, asked / 2);
  EXPECT_EQ(forged_passed, 0);
  EXPECT_GE(jwt_metrics.verified().Value(), 2) << "no rotation was noticed";
}

}  // namespace
}  // namespace tokensvc
