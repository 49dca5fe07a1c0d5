// SPDX-License-Identifier: Apache-2.0
#include "service/credential/managed_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/service/credential/credential_fixture.h"
#include "tests/testing/fake_http_transport.h"

namespace tokensvc {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::tokensvc::testing::MakeResponse;
using ::tokensvc::testing::Plain;

constexpr auto kImds = ManagedIdentitySource::kImds;
constexpr auto kAppService = ManagedIdentitySource::kAppService;
constexpr auto kAzureArc = ManagedIdentitySource::kAzureArc;
constexpr char kCanary[] = "canary-t0ken";

absl::Time Now() { return absl::FromUnixSeconds(1767323045); }  // 2026-01-02 03:04:05 UTC

ManagedIdentity Identity(ManagedIdentitySource source) {
  ManagedIdentity identity;
  identity.source = source;
  identity.endpoint = "http://169.254.169.254/metadata/identity/oauth2/token";
  return identity;
}

TEST(ManagedIdentityRequest, OfImdsHasTheMetadataHeaderAndNothingSecret) {
  const HttpRequest request =
      MakeManagedIdentityRequest(Identity(kImds), "api://AzureADTokenExchange", Secret());
  EXPECT_EQ(request.method, HttpRequest::Method::kGet);
  EXPECT_EQ(request.url,
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&"
            "resource=api%3A%2F%2FAzureADTokenExchange");
  EXPECT_THAT(Plain(request.headers), ElementsAre(Pair("Metadata", "true")));
  EXPECT_EQ(request.trust, AddressTrust::kPlatform);
}

TEST(ManagedIdentityRequest, NamesAUserAssignedIdentityAsItsSourceWantsIt) {
  const auto ends = [](ManagedIdentitySource source, ManagedIdentity::Selector selector) {
    ManagedIdentity identity = Identity(source);
    identity.selector = selector;
    identity.id = "/a b&c";
    return MakeManagedIdentityRequest(identity, "r", Secret()).url;
  };
  using Selector = ManagedIdentity::Selector;
  EXPECT_THAT(ends(kImds, Selector::kClientId), EndsWith("&client_id=%2Fa+b%26c"));
  EXPECT_THAT(ends(kImds, Selector::kObjectId), EndsWith("&object_id=%2Fa+b%26c"));
  EXPECT_THAT(ends(kImds, Selector::kResourceId), EndsWith("&msi_res_id=%2Fa+b%26c"));
  EXPECT_THAT(ends(kAppService, Selector::kResourceId), EndsWith("&mi_res_id=%2Fa+b%26c"));
}

TEST(ManagedIdentityRequest, ProvesItselfAsItsSourceWantsIt) {
  const Secret proof = Secret::CopyOf("s3cret");
  const HttpRequest app = MakeManagedIdentityRequest(Identity(kAppService), "r", proof);
  EXPECT_THAT(app.url, HasSubstr("?api-version=2019-08-01&"));
  EXPECT_THAT(Plain(app.headers), ElementsAre(Pair("X-IDENTITY-HEADER", "s3cret")));
  const HttpRequest arc = MakeManagedIdentityRequest(Identity(kAzureArc), "r", proof);
  EXPECT_THAT(arc.url, HasSubstr("?api-version=2019-11-01&"));
  EXPECT_THAT(Plain(arc.headers),
              ElementsAre(Pair("Authorization", "Basic s3cret"), Pair("Metadata", "true")));
}

Result<ManagedIdentityToken> Parse(const std::string& members, int status = 200) {
  return ParseManagedIdentityAnswer(
      kImds,
      MakeResponse(status, absl::StrCat("{\"access_token\":\"", kCanary, "\",", members, "}")),
      Now());
}

TEST(ManagedIdentityAnswer, TakesALifeInAnyOfThePlatformsNotations) {
  for (const char* members :
       {R"("expires_in":"3600","token_type":"Bearer")", R"("expires_in":3600)",
        R"("expires_in":"3600","expires_on":"nonsense")", R"("expires_on":"1767326645")",
        R"("expires_on":1767326645,"refresh_token":"")",
        R"("expires_on":"01/02/2026 04:04:05 +00:00")",
        R"("expires_on":"1/2/2026 4:04:05 AM +00:00")",
        R"("expires_on":"1/2/2026 5:04:05 AM +01:00")",
        R"("expires_on":"2026-01-02T04:04:05.0000000+00:00")",
        R"("expires_on":"2026-01-02T04:04:05Z","token_type":"bearer")"}) {
    const Result<ManagedIdentityToken> token = Parse(members);
    ASSERT_TRUE(token.ok()) << members << ": " << token.error().message;
    EXPECT_EQ(token->expires_in, absl::Hours(1)) << members;
    EXPECT_EQ(token->token.Reveal(), kCanary);
  }
}

TEST(ManagedIdentityAnswer, RefusesWhatIsNoToken) {
  for (const char* body : {"",
                           "null",
                           "[]",
                           "{}",
                           "<html>canary</html>",
                           R"({"access_token":"canary"})",
                           R"({"access_token":"canary","access_token":"b","expires_in":1})",
                           R"({"access_token":"","expires_in":3600})",
                           R"({"access_token":7,"expires_in":3600})",
                           R"({"access_token":"a\r\ncanary: b","expires_in":3600})",
                           R"({"access_token":null,"expires_in":3600})",
                           R"({"access_token":"canary","expires_in":3600,"token_type":"pop"})",
                           R"({"access_token":"canary","expires_in":3600,"token_type":{}})",
                           R"({"access_token":"canary","expires_in":0})",
                           R"({"access_token":"canary","expires_in":-5})",
                           R"({"access_token":"canary","expires_in":"canary"})",
                           R"({"access_token":"canary","expires_in":1e30})",
                           R"({"access_token":"canary","expires_in":[]})",
                           R"({"access_token":"canary","expires_on":"canary"})",
                           R"({"access_token":"canary","expires_on":""})",
                           R"({"access_token":"canary","expires_on":true})",
                           R"({"access_token":"canary","expires_on":"01/02/2026 04:04:05"})",
                           R"({"access_token":"canary","expires_on":"1767323045"})",
                           R"({"access_token":"canary","expires_on":"1767319445"})",
                           R"({"access_token":"canary","expires_on":"99999999999"})",
                           R"({"access_token":"canary","expires_on":18446744073709551615})",
                           R"({"error":"canary"})"}) {
    const auto token = ParseManagedIdentityAnswer(kAppService, MakeResponse(200, body), Now());
    ASSERT_FALSE(token.ok()) << body;
    EXPECT_EQ(token.error().reason, Reason::kAuthorityResponseInvalid) << body;
    EXPECT_THAT(token.error().message, AllOf(HasSubstr("APP_SERVICE"), Not(HasSubstr("canary"))));
  }
}

TEST(ManagedIdentityAnswer, TellsWhatPassesFromWhatDoesNot) {
  for (const int status : {404, 408, 410, 500, 502, 503, 599}) {
    const auto token = ParseManagedIdentityAnswer(kImds, MakeResponse(status, kCanary), Now());
    ASSERT_FALSE(token.ok());
    EXPECT_EQ(token.error().reason, Reason::kAuthorityUnavailable) << status;
    EXPECT_FALSE(token.error().authority_said_when);
  }
  const auto throttled =
      ParseManagedIdentityAnswer(kImds, MakeResponse(429, kCanary, {{"retry-after", "7"}}), Now());
  EXPECT_EQ(throttled.error().reason, Reason::kThrottled);
  EXPECT_EQ(throttled.error().retry_after, absl::Seconds(7));
  EXPECT_TRUE(throttled.error().authority_said_when);
  for (const int status : {400, 401, 403}) {
    const auto token = ParseManagedIdentityAnswer(kImds, MakeResponse(status, kCanary), Now());
    EXPECT_EQ(token.error().reason, Reason::kRegistrationMisconfigured) << status;
    EXPECT_THAT(token.error().message, Not(HasSubstr(kCanary)));
  }
  for (const int status : {201, 204, 301, 302, 405}) {
    const auto token = ParseManagedIdentityAnswer(kImds, MakeResponse(status, "{}"), Now());
    EXPECT_EQ(token.error().reason, Reason::kAuthorityResponseInvalid) << status;
  }
}

TEST(ManagedIdentityAnswer, SaysWhatAnOperatorCanActOnInWordsOfItsOwn) {
  const auto why = [](ManagedIdentitySource source, const std::string& body) {
    return ParseManagedIdentityAnswer(source, MakeResponse(400, body), Now()).error().message;
  };
  EXPECT_THAT(why(kImds, R"({"error":"invalid_request","error_description":"Identity not found"})"),
              HasSubstr("HTTP 400): the identity is not assigned"));
  EXPECT_THAT(
      why(kAppService,
          R"({"statusCode":400,"message":"No Managed Identity found for specified canary"})"),
      AllOf(HasSubstr("not assigned"), Not(HasSubstr("canary"))));
  EXPECT_THAT(why(kImds, R"({"error":"invalid_resource","error_description":"canary"})"),
              AllOf(HasSubstr("does not know the resource"), Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace tokensvc
