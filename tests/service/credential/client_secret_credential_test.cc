// SPDX-License-Identifier: Apache-2.0
#include "service/credential/client_secret_credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/strip.h"
#include "tests/service/credential/credential_fixture.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::tokensvc::testing::Plain;

class ClientSecretCredentialTest : public testing::CredentialFixture {
 protected:
  ClientSecretCredential Make(ClientSecretCredential::Method method, const std::string& path) {
    ClientSecretCredential::Options options;
    options.id = "crm/0";
    options.method = method;
    options.secret = ReloadingSecret::FromFile("crm/0", path, environment_).value();
    return ClientSecretCredential(std::move(options), environment_);
  }

  static TokenEndpointRequest Request(std::string client_id) {
    TokenEndpointRequest request;
    request.token_endpoint = "https://login.example/token";
    request.client_id = std::move(client_id);
    return request;
  }
};

TEST_F(ClientSecretCredentialTest, PostPutsBothPartsInTheFormUnencoded) {
  auto credential = Make(ClientSecretCredential::Method::kPost, Write("a", "s+ %:\xc3\xa4&=\n"));
  TokenEndpointRequest request = Request("client 1");
  ASSERT_EQ(RunAwaitable(credential.AddTo(request)), absl::OkStatus());
  EXPECT_THAT(Plain(request.form),
              ElementsAre(Pair("client_id", "client 1"), Pair("client_secret", "s+ %:\xc3\xa4&=")));
  EXPECT_THAT(request.headers, IsEmpty());
  EXPECT_EQ(request.credential_version, 1u);
  EXPECT_EQ(credential.id(), "crm/0");
}

TEST_F(ClientSecretCredentialTest, BasicFormEncodesBothPartsBeforeTheColonJoinsThem) {
  auto credential = Make(ClientSecretCredential::Method::kBasic, Write("a", "s:+ %\xc3\xa4~*"));
  TokenEndpointRequest request = Request("cl:ient+1 %\xc3\xa4");
  ASSERT_EQ(RunAwaitable(credential.AddTo(request)), absl::OkStatus());
  EXPECT_THAT(request.form, IsEmpty());
  ASSERT_EQ(request.headers.size(), 1u);
  EXPECT_EQ(request.headers[0].first, "Authorization");
  absl::string_view value = request.headers[0].second.Reveal();
  ASSERT_TRUE(absl::ConsumePrefix(&value, "Basic "));
  std::string decoded;
  ASSERT_TRUE(absl::Base64Unescape(value, &decoded));
  EXPECT_EQ(decoded, "cl%3Aient%2B1+%25%C3%A4:s%3A%2B+%25%C3%A4%7E*");
}

TEST_F(ClientSecretCredentialTest, BasicPadsItsBase64) {
  auto credential = Make(ClientSecretCredential::Method::kBasic, Write("a", "secret"));
  TokenEndpointRequest request = Request("client");
  ASSERT_EQ(RunAwaitable(credential.AddTo(request)), absl::OkStatus());
  EXPECT_EQ(request.headers[0].second.Reveal(), "Basic Y2xpZW50OnNlY3JldA==");
}

TEST_F(ClientSecretCredentialTest, ARequestAfterAChangeCarriesTheNewSecret) {
  auto credential = Make(ClientSecretCredential::Method::kPost, Write("a", "old"));
  Write("a", "new");
  PassInterval();
  TokenEndpointRequest request = Request("client");
  ASSERT_EQ(RunAwaitable(credential.AddTo(request)), absl::OkStatus());
  EXPECT_EQ(Plain(request.form)["client_secret"], "new");
  EXPECT_EQ(request.credential_version, 2u);
  EXPECT_EQ(credential.version(), 2u);
}

TEST_F(ClientSecretCredentialTest, AFullWorkerQueueDoesNotStopARequest) {
  WorkerPool none(1, 0);
  const CredentialEnvironment environment{clock_, random_, none, logger_, metrics_};
  ClientSecretCredential::Options options;
  options.id = "crm/0";
  options.secret = ReloadingSecret::FromFile("crm/0", Write("a", "old"), environment).value();
  ClientSecretCredential credential(std::move(options), environment);
  PassInterval();
  TokenEndpointRequest request = Request("client");
  ASSERT_EQ(RunAwaitable(credential.AddTo(request)), absl::OkStatus());
  EXPECT_EQ(Plain(request.form)["client_secret"], "old");
}

TEST_F(ClientSecretCredentialTest, NoSecretReachesTheLog) {
  auto credential = Make(ClientSecretCredential::Method::kBasic, Write("a", "canary-old"));
  for (const char* text : {"canary-new", "canary\nbroken", "", "canary-last"}) {
    Write("a", text);
    PassInterval();
    TokenEndpointRequest request = Request("client");
    ASSERT_EQ(RunAwaitable(credential.AddTo(request)), absl::OkStatus());
  }
  EXPECT_EQ(logger_.Count("credential_reloaded"), 2u);
  EXPECT_EQ(logger_.Count("credential_reload_failed"), 2u);
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace tokensvc
