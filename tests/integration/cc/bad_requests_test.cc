// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string name;
  std::function<void(v1::AcquireForClientRequest&)> spoil;
  grpc::StatusCode code;
  std::string reason;
  std::string field;  // of the first violation
};

void PrintTo(const Case& bad, std::ostream* out) { *out << bad.name; }

const std::vector<Case>& Cases() {
  using R = v1::AcquireForClientRequest;
  constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  constexpr auto kDenied = grpc::StatusCode::PERMISSION_DENIED;
  static const auto& cases = *new std::vector<Case>{
      {"NoRegistration", [](R& r) { r.clear_registration(); }, kInvalid, "INVALID_REQUEST",
       "registration"},
      {"UnknownRegistration", [](R& r) { r.set_registration("no-such"); }, kDenied, "POLICY_DENIED",
       ""},
      {"TenantNotOnTheList", [](R& r) { r.set_tenant("fabrikam.example"); }, kDenied,
       "POLICY_DENIED", ""},
      {"TenantThatClimbs", [](R& r) { r.set_tenant("../../x"); }, kInvalid, "INVALID_REQUEST",
       "tenant"},
      {"TenantWithASlash", [](R& r) { r.set_tenant("evil.example/"); }, kInvalid, "INVALID_REQUEST",
       "tenant"},
      {"TenantCommon", [](R& r) { r.set_tenant("common"); }, kInvalid, "INVALID_REQUEST", "tenant"},
      {"TenantOrganizations", [](R& r) { r.set_tenant("organizations"); }, kInvalid,
       "INVALID_REQUEST", "tenant"},
      {"NoScope", [](R& r) { r.clear_scopes(); }, kInvalid, "", "scopes"},
      {"EmptyScope", [](R& r) { r.set_scopes(0, ""); }, kInvalid, "", "scopes[0]"},
      {"ScopeOf100KiB", [](R& r) { r.set_scopes(0, std::string(100 << 10, 'a')); }, kInvalid, "",
       "scopes[0]"},
      {"ScopeWithControlCharacters", [](R& r) { r.set_scopes(0, "api://a\r\nb/.default"); },
       kInvalid, "", "scopes[0]"},
      {"ScopeWithoutDefault", [](R& r) { r.set_scopes(0, "user.read"); }, kInvalid,
       "SCOPE_NOT_ACCEPTED", "scopes[0]"},
      {"TwoResources", [](R& r) { r.add_scopes("api://second/.default"); }, kInvalid,
       "SCOPE_NOT_ACCEPTED", ""},
      {"ClaimsThatAreNotJson",
       [](R& r) { r.set_claims_challenge(absl::StrCat("{", kTokenCanary)); }, kInvalid,
       "INVALID_REQUEST", "claims_challenge"},
      {"ClientClaimsThatAreNotJson",
       [](R& r) { r.set_client_claims(absl::StrCat("{", kTokenCanary)); }, kInvalid,
       "INVALID_REQUEST", "client_claims"},
      {"ClaimsThatAreAList", [](R& r) { r.set_claims_challenge("[]"); }, kInvalid,
       "INVALID_REQUEST", "claims_challenge"},
      {"ResourceForEntra", [](R& r) { r.set_resource("https://a.example"); }, kInvalid,
       "INVALID_REQUEST", "resource"},
      {"CorrelationIdWithALineBreak",
       [](R& r) { r.set_correlation_id(absl::StrCat("a\n", kTokenCanary)); }, kInvalid,
       "INVALID_REQUEST", "correlation_id"},
      {"UnlistedParameter",
       [](R& r) { (*r.mutable_extra_parameters())["client_id"] = kTokenCanary; }, kInvalid,
       "INVALID_REQUEST", "extra_parameters"},
      {"UnknownTokenType", [](R& r) { r.set_token_type(static_cast<v1::TokenType>(7)); }, kInvalid,
       "INVALID_REQUEST", "token_type"},
  };
  return cases;
}

class BadRequestsTest : public ServiceFixture, public ::testing::WithParamInterface<Case> {};

INSTANTIATE_TEST_SUITE_P(All, BadRequestsTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST_P(BadRequestsTest, GetsAClearAnswerAndTheServiceGoesOn) {
  Start();
  auto request = Request();
  GetParam().spoil(request);
  const ReadStatus status = MustFail(request);
  EXPECT_EQ(status.code, GetParam().code) << status.message;
  if (!GetParam().reason.empty()) EXPECT_EQ(status.reason, GetParam().reason);
  if (!GetParam().field.empty()) {
    ASSERT_GT(status.bad_request.field_violations_size(), 0);
    EXPECT_EQ(status.bad_request.field_violations(0).field(), GetParam().field);
    EXPECT_FALSE(status.bad_request.field_violations(0).description().empty());
  }
  EXPECT_FALSE(status.message.empty());
  EXPECT_LT(status.message.size(), 513u);
  EXPECT_EQ(TokenRequests(), 0);
  MustAcquire(Request());
  ExpectNoCanary(status);
}

TEST_F(BadRequestsTest, AScopeOfADelegatedShapeIsToldWhatToWrite) {
  Start();
  const ReadStatus status = MustFail(Request("user.read"));
  EXPECT_THAT(status.bad_request.field_violations(0).description(), HasSubstr("/.default"));
}

TEST_F(BadRequestsTest, UnknownRegistrationsAndForeignTenantsGetOneAndTheSameAnswer) {
  Start();
  auto unknown = Request();
  unknown.set_registration("no-such");
  unknown.set_correlation_id("same");
  auto foreign = Request();
  foreign.set_tenant("fabrikam.example");
  foreign.set_correlation_id("same");
  EXPECT_EQ(MustFail(unknown).everything, MustFail(foreign).everything);
  // The operator's log tells them apart.
  EXPECT_THAT(logger_.AllText(), HasSubstr("denied_for=unknown_registration"));
  EXPECT_THAT(logger_.AllText(), HasSubstr("denied_for=tenant_not_listed"));
}

TEST_F(BadRequestsTest, AllMistakesAreReportedAtOnce) {
  Start();
  auto request = Request("user.read");
  request.set_tenant("../..");
  request.set_claims_challenge("{");
  request.set_correlation_id("a b");
  EXPECT_EQ(MustFail(request).bad_request.field_violations_size(), 4);
}

TEST_F(BadRequestsTest, AbsurdDeadlinesAreCutOrRefusedByGrpc) {
  Start();
  v1::AcquireForClientResponse response;
  EXPECT_TRUE(Acquire(Request(), &response, absl::Hours(24 * 3650)).ok());
  EXPECT_EQ(Acquire(Request("api://o/.default"), &response, -absl::Seconds(5)).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  grpc::ClientContext without_deadline;
  EXPECT_TRUE(
      stub_->AcquireForClient(&without_deadline, Request("api://p/.default"), &response).ok());
}

TEST_F(BadRequestsTest, AHeaderWithoutASubjectIsToldSo) {
  Start();
  v1::CreateAuthorizationHeaderRequest request;
  request.set_registration("orders");
  request.add_scopes(kResource);
  grpc::ClientContext context;
  v1::CreateAuthorizationHeaderResponse response;
  const ReadStatus status = Read(stub_->CreateAuthorizationHeader(&context, request, &response));
  EXPECT_EQ(status.code, grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.bad_request.field_violations(0).field(), "subject");
}

}  // namespace
}  // namespace tokensvc::testing
