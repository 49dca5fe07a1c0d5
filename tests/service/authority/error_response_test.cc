// SPDX-License-Identifier: Apache-2.0
#include "service/authority/error_response.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/authority/canary.h"
#include "tests/testing/fake_http_transport.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MakeResponse;
using ::testing::Not;
using ::testing::SizeIs;
using Code = absl::StatusCode;

// The rest of an Entra error body; the description repeats parts of the request, so a canary sits
// in it.
constexpr absl::string_view kRest =
    R"("timestamp":"2026-01-02 03:04:05Z","trace_id":"0d1f8a3c-6d0b-4b0b-9d3e-2f6f1c2b1a00",)"
    R"("correlation_id":"b1f2c3d4-0a0b-4c0d-8e0f-112233445566","error_uri":"https://login.microsoftonline.com/error?code=CANARY-8f3a1c"})";

std::string EntraBody(absl::string_view error, absl::string_view code,
                      absl::string_view more = "") {
  return absl::StrCat("{\"error\":\"", error, "\",\"error_description\":\"AADSTS", code,
                      ": CANARY-8f3a1c. Trace ID: 0d1f8a3c\",\"error_codes\":[", code, "],", more,
                      kRest);
}

Error Read(int status, absl::string_view body, bool for_app = true,
           std::vector<std::pair<std::string, std::string>> headers = {}) {
  ExchangeContext context;
  context.authority = "main";
  context.for_app = for_app;
  context.now = absl::FromUnixSeconds(784111747);
  Error error = ErrorFromResponse(MakeResponse(status, body, std::move(headers)), context);
  EXPECT_THAT(VisibleText(error), Not(HasSubstr(std::string(kCanary))));
  return error;
}

struct Row {
  int status;
  std::string error, code;
  Code expected;
  Reason reason;
  bool credential_refused;
};

class EntraErrors : public ::testing::TestWithParam<Row> {};

TEST_P(EntraErrors, HaveTheirStatusAndReason) {
  const Row& row = GetParam();
  const Error error = Read(row.status, EntraBody(row.error, row.code));
  EXPECT_EQ(error.code, row.expected);
  EXPECT_EQ(error.reason, row.reason);
  EXPECT_EQ(IsClientCredentialRefused(error), row.credential_refused);
  ASSERT_NE(error.authority, nullptr);
  EXPECT_EQ(error.authority->error, row.error);
  EXPECT_THAT(error.authority->codes, ElementsAre(std::stoll(row.code)));
  EXPECT_EQ(error.authority->trace_id, "0d1f8a3c-6d0b-4b0b-9d3e-2f6f1c2b1a00");
  EXPECT_EQ(error.authority->correlation_id, "b1f2c3d4-0a0b-4c0d-8e0f-112233445566");
  EXPECT_EQ(error.authority->http_status, row.status);
  EXPECT_EQ(error.retry_after.has_value(),
            row.reason == Reason::kThrottled || row.reason == Reason::kAuthorityUnavailable);
}

constexpr Code kPre = Code::kFailedPrecondition;
constexpr Reason kMis = Reason::kRegistrationMisconfigured;
INSTANTIATE_TEST_SUITE_P(
    ByNumber, EntraErrors,
    ::testing::Values(Row{401, "invalid_client", "7000215", kPre, kMis, true},
                      Row{401, "invalid_client", "7000222", kPre, kMis, true},
                      Row{401, "invalid_client", "700027", kPre, kMis, true},
                      Row{401, "invalid_client", "700024", kPre, kMis, true},
                      Row{401, "invalid_client", "7000218", kPre, kMis, true},
                      Row{400, "unauthorized_client", "700016", kPre, kMis, false},
                      Row{401, "invalid_client", "7000229", kPre, kMis, false},
                      Row{400, "invalid_request", "90002", kPre, kMis, false},
                      Row{400, "invalid_request", "900144", kPre, kMis, false},
                      Row{400, "unsupported_grant_type", "70003", kPre, kMis, false},
                      Row{400, "invalid_grant", "65001", kPre, kMis, false},
                      Row{400, "invalid_scope", "70011", Code::kInvalidArgument,
                          Reason::kScopeNotAccepted, false},
                      Row{400, "invalid_scope", "1002012", Code::kInvalidArgument,
                          Reason::kScopeNotAccepted, false},
                      Row{400, "invalid_resource", "500011", Code::kInvalidArgument,
                          Reason::kScopeNotAccepted, false},
                      Row{400, "invalid_grant", "53003", kPre, Reason::kInteractionRequired, false},
                      Row{400, "invalid_grant", "50196", Code::kResourceExhausted,
                          Reason::kThrottled, false},
                      Row{429, "temporarily_unavailable", "90055", Code::kResourceExhausted,
                          Reason::kThrottled, false},
                      Row{503, "temporarily_unavailable", "90033", Code::kUnavailable,
                          Reason::kAuthorityUnavailable, false},
                      Row{400, "temporarily_unavailable", "90033", Code::kUnavailable,
                          Reason::kAuthorityUnavailable, false}));

TEST(ErrorFromResponse, PassesOnWhatAUserNeedsForAnInteraction) {
  // AADSTS50079 from an on-behalf-of request, with its claims challenge.
  const std::string body = EntraBody(
      "interaction_required", "50079",
      R"("suberror":"basic_action","claims":"{\"access_token\":{\"polids\":{\"essential\":true,\"values\":[\"9ab03e19\"]}}}",)");
  const Error error = Read(400, body, /*for_app=*/false);
  EXPECT_EQ(error.code, Code::kFailedPrecondition);
  EXPECT_EQ(error.reason, Reason::kInteractionRequired);
  EXPECT_EQ(error.authority->suberror, "basic_action");
  EXPECT_EQ(error.authority->classification, InteractionClassification::kBasicAction);
  EXPECT_EQ(error.authority->claims_challenge,
            R"({"access_token":{"polids":{"essential":true,"values":["9ab03e19"]}}})");
}

TEST(ErrorFromResponse, TellsAUsersMissingConsentFromAnApps) {
  const std::string body = EntraBody("invalid_grant", "65001", R"("suberror":"consent_required",)");
  const Error user = Read(400, body, /*for_app=*/false);
  EXPECT_EQ(user.reason, Reason::kInteractionRequired);
  EXPECT_EQ(user.authority->classification, InteractionClassification::kConsentRequired);
  const Error app = Read(400, body, /*for_app=*/true);
  EXPECT_EQ(app.reason, Reason::kRegistrationMisconfigured);
  EXPECT_THAT(app.message, HasSubstr("consent of an administrator"));
}

TEST(ErrorFromResponse, KeepsTheSuberrorsThatAreForLibrariesToItself) {
  const auto with = [](const char* suberror) {
    return Read(
        400, EntraBody("invalid_grant", "700082", absl::StrCat("\"suberror\":\"", suberror, "\",")),
        false);
  };
  for (const char* name : {"bad_token", "token_expired"}) {
    const Error error = with(name);
    EXPECT_EQ(error.authority->suberror, "");
    EXPECT_TRUE(error.authority->refresh_token_dead) << name;
    EXPECT_EQ(error.reason, Reason::kInteractionRequired);
  }
  for (const char* name : {"client_mismatch", "protection_policy_required"}) {
    const Error error = with(name);
    EXPECT_EQ(error.authority->suberror, "");
    EXPECT_EQ(error.reason, Reason::kRegistrationMisconfigured) << name;
  }
  EXPECT_EQ(with("CANARY-8f3a1c").authority->suberror, "");
}

TEST(ErrorFromResponse, DropsAClaimsChallengeThatIsNone) {
  const std::string cases[] = {
      "\"CANARY-8f3a1c\"",     "\"[1]\"", "7",
      "{\"CANARY-8f3a1c\":1}", "\"\"",    "\"{\\\"a\\\":\\\"" + std::string(2048, 'x') + "\\\"}\""};
  for (const std::string& claims : cases) {
    const Error error = Read(
        400, EntraBody("interaction_required", "50079", absl::StrCat("\"claims\":", claims, ",")),
        false);
    EXPECT_EQ(error.authority->claims_challenge, "");
    EXPECT_THAT(error.message, HasSubstr("left out"));
  }
}

TEST(ErrorFromResponse, PassesOnNothingThatIsInNoList) {
  const Error error = Read(
      400,
      R"({"error":"CANARY-8f3a1c","suberror":"CANARY-8f3a1c","error_codes":["CANARY-8f3a1c",-1,7.5,1e300,18446744073709551615,5],)"
      R"("trace_id":"CANARY-8f3a1c","correlation_id":{"CANARY-8f3a1c":1},"CANARY-8f3a1c":"CANARY-8f3a1c"})");
  EXPECT_EQ(error.reason, Reason::kRegistrationMisconfigured);
  EXPECT_EQ(error.authority->error, "other");
  EXPECT_THAT(error.authority->codes, ElementsAre(5));
  EXPECT_EQ(error.authority->trace_id, "");
  EXPECT_EQ(error.authority->correlation_id, "");
}

TEST(ErrorFromResponse, TakesEightCodesAtMost) {
  const Error error =
      Read(400, R"({"error":"invalid_request","error_codes":[1,2,3,4,5,6,7,8,9,10]})");
  EXPECT_THAT(error.authority->codes, SizeIs(8));
}

TEST(ErrorFromResponse, HonoursRetryAfterWhateverTheBodyIs) {
  for (const int status : {429, 503}) {
    EXPECT_EQ(Read(status, "CANARY-8f3a1c slow down", true, {{"retry-after", "17"}}).retry_after,
              absl::Seconds(17));
    EXPECT_EQ(
        Read(status, "", true, {{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}).retry_after,
        absl::Seconds(30));
    EXPECT_EQ(Read(status, "", true, {{"retry-after", "-3"}}).retry_after, kDefaultRetryAfter);
    EXPECT_EQ(Read(status, "").retry_after, kDefaultRetryAfter);
  }
}

TEST(ErrorFromResponse, TellsThrottlingFromUnavailability) {
  EXPECT_EQ(Read(429, "<html>CANARY-8f3a1c</html>").reason, Reason::kThrottled);
  EXPECT_EQ(Read(429, "").code, Code::kResourceExhausted);
  for (const int status : {408, 500, 502, 503, 504}) {
    EXPECT_EQ(Read(status, "CANARY-8f3a1c").reason, Reason::kAuthorityUnavailable) << status;
    EXPECT_EQ(Read(status, "CANARY-8f3a1c").code, Code::kUnavailable) << status;
  }
  // A server's own trouble is no reason to try the next credential.
  EXPECT_EQ(Read(500, R"({"error":"invalid_client"})").reason, Reason::kAuthorityUnavailable);
  EXPECT_FALSE(IsClientCredentialRefused(Read(500, R"({"error":"invalid_client"})")));
}

TEST(ErrorFromResponse, ReadsOtherProvidersErrors) {
  EXPECT_TRUE(IsClientCredentialRefused(Read(
      401, R"({"error":"invalid_client","error_description":"client authentication failed"})")));
  EXPECT_EQ(Read(400, R"({"error":"invalid_target"})").violations.at(0).field, "scopes");
  EXPECT_EQ(Read(403, R"({"error":"access_denied"})").reason, Reason::kRegistrationMisconfigured);
  EXPECT_EQ(Read(400, R"({"error":"login_required"})", false).reason, Reason::kInteractionRequired);
  EXPECT_EQ(Read(400, R"({"error":"use_dpop_nonce"})").authority->error, "use_dpop_nonce");
}

TEST(ReasonName, IsTheContractsName) {
  EXPECT_EQ(ReasonName(Reason::kInteractionRequired), "INTERACTION_REQUIRED");
  EXPECT_EQ(ReasonName(Reason::kAuthorityResponseInvalid), "AUTHORITY_RESPONSE_INVALID");
  EXPECT_EQ(ReasonName(Reason::kInternal), "INTERNAL");
}

}  // namespace
}  // namespace tokensvc
