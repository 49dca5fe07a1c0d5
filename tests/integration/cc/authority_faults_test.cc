// SPDX-License-Identifier: Apache-2.0
// What a caller gets, and what leaks, when the authority fails in every way that it can.
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/authority/test_certificates.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTokenCanary[] = "canary-acce55-t0ken-91d3";
constexpr char kClaims[] =
    R"({"access_token":{"polids":{"essential":true,"values":["9ab03e19"]}}})";

struct Case {
  std::string name;
  std::function<void(DevAuthority::Fault&)> break_it;
  grpc::StatusCode code;
  std::string reason;
  bool retry_info = false;
  /// Whether the answer is a token all the same.
  bool serves = false;
};

void PrintTo(const Case& fault, std::ostream* out) { *out << fault.name; }

std::string TokenJson(const std::string& more) {
  return absl::StrCat(R"({"token_type":"Bearer","expires_in":3600,"access_token":")", kTokenCanary,
                      "\"", more, "}");
}

const std::vector<Case>& Cases() {
  using Fault = DevAuthority::Fault;
  static const auto& cases = *new std::vector<Case>{
      {"InternalServerError",
       [](Fault& f) {
         f.status = 500;
         f.body = kTokenCanary;
       },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_UNAVAILABLE", true},
      {"ServiceUnavailableWithRetryAfter",
       [](Fault& f) {
         f.status = 503;
         f.headers["Retry-After"] = "7";
       },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_UNAVAILABLE", true},
      {"ThrottledWithRetryAfter",
       [](Fault& f) {
         f.status = 429;
         f.headers["Retry-After"] = "7";
       },
       grpc::StatusCode::RESOURCE_EXHAUSTED, "THROTTLED", true},
      {"ThrottledWithoutRetryAfterAndWithATextBody",
       [](Fault& f) {
         f.status = 429;
         f.body = std::string("slow down ") + kTokenCanary;
         f.content_type = "text/plain";
       },
       grpc::StatusCode::RESOURCE_EXHAUSTED, "THROTTLED", true},
      {"EmptyOk",
       [](Fault& f) {
         f.status = 200;
         f.body = "";
       },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_RESPONSE_INVALID", true},
      {"NotJson", [](Fault& f) { f.body = std::string("<html>") + kTokenCanary; },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_RESPONSE_INVALID", true},
      {"DuplicateAccessToken", [](Fault& f) { f.body = TokenJson(R"(,"access_token":"another")"); },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_RESPONSE_INVALID", true},
      {"TenMebibyteBody", [](Fault& f) { f.body_bytes = std::size_t{10} << 20; },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_RESPONSE_INVALID", true},
      {"WrongTokenType",
       [](Fault& f) {
         f.response_patch = {{"token_type", "mac"}};
       },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_RESPONSE_INVALID", true},
      {"MissingExpiresIn",
       [](Fault& f) {
         f.response_patch = {{"expires_in", nullptr}};
       },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_RESPONSE_INVALID", true},
      {"ExpiresInAsAString",
       [](Fault& f) {
         f.response_patch = {{"expires_in", "3599"}};
       },
       grpc::StatusCode::OK, "", false, true},
      {"NegativeExpiresIn",
       [](Fault& f) {
         f.response_patch = {{"expires_in", -1}};
       },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_RESPONSE_INVALID", true},
      {"AccessTokenWithALineBreak",
       [](Fault& f) {
         f.response_patch = {{"access_token", "a\r\nSet-Cookie: b"}};
       },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_RESPONSE_INVALID", true},
      {"Reset", [](Fault& f) { f.reset = true; }, grpc::StatusCode::UNAVAILABLE,
       "AUTHORITY_UNAVAILABLE", true},
      {"ResetInTheMiddle", [](Fault& f) { f.reset_after_bytes = 100; },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_UNAVAILABLE", true},
      {"Redirect",
       [](Fault& f) {
         f.status = 302;
         f.headers["Location"] = "http://127.0.0.1:1/steal";
       },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_RESPONSE_INVALID", true},
      {"BadSecret", [](Fault& f) { f.error_code = 7000215; }, grpc::StatusCode::FAILED_PRECONDITION,
       "REGISTRATION_MISCONFIGURED"},
      {"UnknownApplication", [](Fault& f) { f.error_code = 700016; },
       grpc::StatusCode::FAILED_PRECONDITION, "REGISTRATION_MISCONFIGURED"},
      {"UnknownTenant", [](Fault& f) { f.error_code = 90002; },
       grpc::StatusCode::FAILED_PRECONDITION, "REGISTRATION_MISCONFIGURED"},
      {"ScopeRefused", [](Fault& f) { f.error_code = 70011; }, grpc::StatusCode::INVALID_ARGUMENT,
       "SCOPE_NOT_ACCEPTED"},
      {"UnknownResource", [](Fault& f) { f.error_code = 500011; },
       grpc::StatusCode::INVALID_ARGUMENT, "SCOPE_NOT_ACCEPTED"},
      {"ConditionalAccess",
       [](Fault& f) {
         f.error_code = 53003;
         f.claims = kClaims;
       },
       grpc::StatusCode::FAILED_PRECONDITION, "INTERACTION_REQUIRED"},
      {"Loop", [](Fault& f) { f.error_code = 50196; }, grpc::StatusCode::RESOURCE_EXHAUSTED,
       "THROTTLED", true},
      {"TemporarilyUnavailable", [](Fault& f) { f.error = "temporarily_unavailable"; },
       grpc::StatusCode::UNAVAILABLE, "AUTHORITY_UNAVAILABLE", true},
      {"HostileEcho", [](Fault& f) { f.echo_credentials = true; },
       grpc::StatusCode::FAILED_PRECONDITION, "REGISTRATION_MISCONFIGURED"},
  };
  return cases;
}

class AuthorityFaultsTest : public ServiceFixture, public ::testing::WithParamInterface<Case> {
 protected:
  void ExpectNoCanary(const ReadStatus& status) {
    for (const std::string& text : {status.everything, logger_.AllText(), Metrics()}) {
      EXPECT_THAT(text, Not(HasSubstr(kSecretCanary)));
      EXPECT_THAT(text, Not(HasSubstr(kTokenCanary)));
      EXPECT_THAT(text, Not(HasSubstr("AADSTS")));
    }
    EXPECT_LE(status.detail_bytes, 4096u);
  }
};

INSTANTIATE_TEST_SUITE_P(All, AuthorityFaultsTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST_P(AuthorityFaultsTest, GetsItsStatusAndLeaksNothing) {
  Start();
  DevAuthority::Fault fault;
  GetParam().break_it(fault);
  authority_->AddFault(fault);
  if (GetParam().serves) {
    MustAcquire(Request());
    return;
  }
  const ReadStatus status = MustFail(Request());
  EXPECT_EQ(status.code, GetParam().code);
  EXPECT_EQ(status.reason, GetParam().reason);
  EXPECT_EQ(status.retry_after.has_value(), GetParam().retry_info);
  ExpectNoCanary(status);
  if (GetParam().name == "ConditionalAccess") {
    EXPECT_EQ(status.authority.claims_challenge(), kClaims);
    EXPECT_EQ(status.authority.error_codes(0), 53003);
  }
  if (GetParam().name == "ThrottledWithRetryAfter") {
    EXPECT_EQ(status.retry_after, absl::Seconds(7));
  }
}

TEST_P(AuthorityFaultsTest, LeavesACachedTokenInServiceThoughItIsDue) {
  Start();
  const auto cached = MustAcquire(Request());
  DevAuthority::Fault fault;
  GetParam().break_it(fault);
  authority_->AddFault(fault);
  clock_.Advance(absl::Minutes(54));
  for (int i = 0; i < 3; ++i) {
    const auto answer = MustAcquire(Request());
    if (!GetParam().serves) {
      EXPECT_EQ(answer.access_token().value(), cached.access_token().value());
    }
    clock_.Advance(absl::Minutes(1));
  }
}

TEST_F(AuthorityFaultsTest, ARememberedFailureIsAnsweredWithoutAskingAgain) {
  Start();
  DevAuthority::Fault throttled;
  throttled.status = 429;
  throttled.headers["Retry-After"] = "30";
  throttled.count = 1;
  authority_->AddFault(throttled);
  EXPECT_EQ(MustFail(Request()).reason, "THROTTLED");
  // Another token of the same client in the same tenant is held back as well.
  const ReadStatus held = MustFail(Request("api://other/.default"));
  EXPECT_EQ(held.reason, "THROTTLED");
  EXPECT_EQ(held.retry_after, absl::Seconds(30));
  EXPECT_EQ(TokenRequests(), 1);
  clock_.Advance(absl::Seconds(30));
  MustAcquire(Request());
}

TEST_F(AuthorityFaultsTest, ASlowAuthorityMeetsTheCallersDeadlineAndThenItsOwn) {
  Start();
  DevAuthority::Fault slow;
  slow.hang = true;
  authority_->AddFault(slow);
  EXPECT_EQ(MustFail(Request(), absl::Milliseconds(200)).code, grpc::StatusCode::DEADLINE_EXCEEDED);
  // `request_timeout` is 5 s in this fixture.
  const ReadStatus timed_out = MustFail(Request());
  EXPECT_EQ(timed_out.reason, "AUTHORITY_UNAVAILABLE");
  EXPECT_TRUE(timed_out.retry_after.has_value());
}

TEST_F(AuthorityFaultsTest, ALifeOfTwentySecondsIsServedForEighteen) {
  DevAuthority::Options options;
  options.token_lifetime_seconds = 20;
  Start(std::move(options));
  const auto first = MustAcquire(Request());
  clock_.Advance(absl::Seconds(8));
  EXPECT_EQ(MustAcquire(Request()).access_token().value(), first.access_token().value());
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
}

TEST_F(AuthorityFaultsTest, TheSameTokenBackDoesNotMakeEveryCallARefresh) {
  Start();
  MustAcquire(Request());
  DevAuthority::Fault same;
  same.same_token = true;
  authority_->AddFault(same);
  clock_.Advance(absl::Minutes(54));
  for (int i = 0; i < 50; ++i) MustAcquire(Request());
  clock_.Advance(absl::Seconds(20));
  for (int i = 0; i < 50; ++i) MustAcquire(Request());
  EXPECT_LE(TokenRequests(), 2);
}

class UntrustedAuthorityTest : public ServiceFixture {
 protected:
  void StartWithTls(TestCertificates::Validity validity, bool trusted) {
    auto certificates = TestCertificates::Create(dir_);
    ASSERT_TRUE(certificates.ok());
    auto server = (*certificates)->IssueServer("authority", validity);
    ASSERT_TRUE(server.ok());
    WriteFile("secret", kSecretCanary);
    DevAuthority::Options options;
    options.tls_certificate_file = server->certificate;
    options.tls_private_key_file = server->private_key;
    options.clients.push_back({"orders-service", {kSecretCanary}, {}, {}});
    StartAuthority(std::move(options));
    std::string configuration = Configuration();
    if (trusted) {
      const std::string place = "request_timeout: 5s";
      configuration.replace(configuration.find(place), place.size(),
                            place + ", ca_file: \"" + (*certificates)->ca_file() + "\"");
    }
    StartService(configuration);
  }
};

TEST_F(UntrustedAuthorityTest, AValidCertificateOfATrustedAuthorityIsAccepted) {
  StartWithTls(TestCertificates::Validity::kValid, true);
  MustAcquire(Request());
}

TEST_F(UntrustedAuthorityTest, AnExpiredCertificateIsRefused) {
  StartWithTls(TestCertificates::Validity::kExpired, true);
  const ReadStatus status = MustFail(Request());
  EXPECT_EQ(status.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.reason, "AUTHORITY_UNTRUSTED");
  EXPECT_EQ(TokenRequests(), 0);
}

TEST_F(UntrustedAuthorityTest, ACertificateOfAnUnknownAuthorityIsRefused) {
  StartWithTls(TestCertificates::Validity::kValid, false);
  EXPECT_EQ(MustFail(Request()).reason, "AUTHORITY_UNTRUSTED");
}

TEST_F(UntrustedAuthorityTest, ADiscoveryDocumentOfAForeignIssuerIsRefused) {
  WriteFile("secret", kSecretCanary);
  DevAuthority::Options options;
  options.clients.push_back({"orders-service", {kSecretCanary}, {}, {}});
  StartAuthority(std::move(options));
  DevAuthority::Fault foreign;
  foreign.endpoint = DevAuthority::Endpoint::kDiscovery;
  foreign.foreign_issuer = "https://evil.example";
  authority_->AddFault(foreign);
  StartService(absl::StrCat(
      "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}}]\n"
      "authorities: [{name: op, oidc: {issuer: \"",
      authority_->oidc_issuer(),
      "\"}}]\n"
      "registrations: [{name: orders, authority: op, client_id: orders-service, credentials: "
      "[{secret: {value: \"file:",
      Path("secret"), "\", method: basic}}]}]\n"));
  const ReadStatus status = MustFail(Request("orders.read"));
  EXPECT_EQ(status.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.reason, "AUTHORITY_UNTRUSTED");
  EXPECT_EQ(TokenRequests(), 0);

  authority_->ClearFaults();
  clock_.Advance(absl::Minutes(2));
  const auto answer = MustAcquire(Request("orders.read"));
  EXPECT_EQ(answer.access_token().tenant(), "");
}

}  // namespace
}  // namespace tokensvc::testing
