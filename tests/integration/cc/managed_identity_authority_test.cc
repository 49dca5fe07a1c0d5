// SPDX-License-Identifier: Apache-2.0
// Managed identities as the authority itself: the platform gives tokens for APIs to the machine or
// app.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/authority/jwt.h"
#include "tests/integration/cc/managed_identity_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;

class ManagedIdentityAuthorityTest : public ManagedIdentityFixture {
 protected:
  void StartMachine(Shape shape, const std::string& more = "") {
    StartPlatform(shape);
    std::string identity = Identity(more);
    identity = identity.substr(1, identity.size() - 2);
    StartService(absl::StrCat(
        "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests}]\n"
        "policy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], "
        "grants: [\"*\"], "
        "scopes: [\"*\"]}]}\n"

        "metrics: {address: \"127.0.0.1:0\"}\n"
        "authorities: [{name: machine, ",
        identity, "}]\nregistrations: [{name: orders, authority: machine}]\n"));
  }
};

TEST_F(ManagedIdentityAuthorityTest, GivesTokensForTheResourceOfTheScope) {
  StartMachine(Shape::kImds, absl::StrCat("client_id: ", kClientId));
  const auto response = MustAcquire(Request("https://vault.example/.default"));
  EXPECT_EQ(response.access_token().value(), platform_->last_token());
  const auto jwt = devauth::ParseJwt(response.access_token().value());
  ASSERT_TRUE(jwt.has_value());
  EXPECT_EQ(jwt->claims.at("aud"), "https://vault.example");
  EXPECT_EQ(jwt->claims.at("sub"), kObjectId);
  EXPECT_EQ(response.access_token().expires_at().seconds(),
            absl::ToUnixSeconds(clock_.Now() + absl::Hours(24)));
  EXPECT_EQ(MustAcquire(Request("https://vault.example/.default")).access_token().value(),
            response.access_token().value());
  EXPECT_EQ(platform_->requests(), 1);

  // A resource that ends in a slash keeps it.
  MustAcquire(Request("https://database.example//.default"));
  EXPECT_THAT(platform_->last_query(), HasSubstr("resource=https%3A%2F%2Fdatabase.example%2F&"));
  EXPECT_EQ(platform_->malformed(), 0);
  EXPECT_EQ(TokenRequests(), 0);
  ExpectNothingShown();
}

TEST_F(ManagedIdentityAuthorityTest, IsAskedAgainByAForcedRequestAndHalfwayThroughALongLife) {
  StartMachine(Shape::kAppService);
  const auto first = MustAcquire(Request());
  MustAcquire(Forced());
  EXPECT_EQ(platform_->tokens(), 2);
  const absl::Duration until_due =
      absl::FromUnixSeconds(first.access_token().refresh_at().seconds()) - clock_.Now();
  EXPECT_GE(until_due, absl::Hours(10));
  EXPECT_LE(until_due, absl::Hours(14));
}

TEST_F(ManagedIdentityAuthorityTest, OfAServerWithAzureArcGivesTokens) {
  StartMachine(Shape::kAzureArc);
  MustAcquire(Request());
  EXPECT_EQ(platform_->requests(), 2);
  ExpectNothingShown();
}

TEST_F(ManagedIdentityAuthorityTest, FailsAsOtherAuthoritiesDo) {
  StartMachine(Shape::kImds);
  devauth::Fault throttled;
  throttled.status = 429;
  throttled.headers["Retry-After"] = "40";
  throttled.count = 1;
  platform_->AddFault(throttled);
  const ReadStatus status = MustFail(Request());
  EXPECT_EQ(status.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.reason, "THROTTLED");
  EXPECT_EQ(status.retry_after, absl::Seconds(40));
  ExpectNothingShown(status);
  // The next call is answered from memory, whatever it asks for.
  EXPECT_EQ(MustFail(Request("api://other/.default")).reason, "THROTTLED");
  EXPECT_EQ(platform_->requests(), 1);
  clock_.Advance(absl::Seconds(41));
  MustAcquire(Request());
}

TEST_F(ManagedIdentityAuthorityTest, SaysWhoseTurnItIs) {
  StartMachine(Shape::kImds, "object_id: 44444444-4444-4444-4444-444444444444");
  const ReadStatus unknown = MustFail(Request());
  EXPECT_EQ(unknown.reason, "REGISTRATION_MISCONFIGURED");
  EXPECT_THAT(unknown.message, HasSubstr("not assigned"));
  devauth::Fault no_resource;
  no_resource.status = 400;
  no_resource.body =
      absl::StrCat(R"({"error":"invalid_resource","error_description":")", kTokenCanary, "\"}");
  platform_->AddFault(no_resource);
  const ReadStatus scope = MustFail(Request("api://nobody/.default"));
  EXPECT_EQ(scope.reason, "SCOPE_NOT_ACCEPTED");
  EXPECT_EQ(MustFail(Request("openid")).reason, "SCOPE_NOT_ACCEPTED");
  auto tenant = Request();
  tenant.set_tenant(kTenant);
  EXPECT_EQ(MustFail(tenant).reason, "INVALID_REQUEST");
  ExpectNothingShown(scope);
}

}  // namespace
}  // namespace tokensvc::testing
