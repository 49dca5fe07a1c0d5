// SPDX-License-Identifier: Apache-2.0
#include "service/access/http_jwk_set_source.h"

#include <gmock/gmock.h>

#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "tests/service/access/issuer_keys_fixture.h"

namespace tokensvc {
namespace {

using ::testing::SizeIs;

class HttpJwkSetSourceTest : public testing::IssuerKeysFixture {
 protected:
  using Loaded = Result<JwkSetSource::Loaded>;

  HttpJwkSetSourceTest() { jwks_url_.clear(); }

  static asio::awaitable<void> Keep(JwkSetSource* source, std::optional<Loaded>* out) {
    auto pending = source->Load();
    out->emplace(co_await std::move(pending));
  }

  Loaded Load() {
    HttpJwkSetSource source(issuer_, jwks_url_, transport_);
    std::optional<Loaded> loaded;
    asio::co_spawn(loop_, Keep(&source, &loaded), asio::detached);
    Poll();
    EXPECT_TRUE(loaded.has_value());
    if (loaded.has_value() && !loaded->ok()) {
      EXPECT_EQ(loaded->error().message.find("canary"), std::string::npos);
    }
    return *std::move(loaded);
  }

  static std::string Metadata(const std::string& issuer, const std::string& jwks_uri) {
    return Json{{"issuer", issuer}, {"jwks_uri", jwks_uri}}.dump();
  }
};

TEST_F(HttpJwkSetSourceTest, FindsTheKeysByTheIssuersMetadata) {
  transport_.Push(200, Metadata(testing::kTestIssuer, "https://keys.issuer.example/k?v=1"));
  transport_.Push(200, SetOf("k"), {{"cache-control", "max-age=600"}});
  const Loaded loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->keys->keys()[0].kid, "k");
  EXPECT_EQ(loaded->fresh_for, absl::Minutes(10));
  ASSERT_THAT(transport_.requests(), SizeIs(2));
  const HttpRequest& metadata = transport_.requests()[0];
  EXPECT_EQ(metadata.url, "https://issuer.example/.well-known/openid-configuration");
  EXPECT_EQ(metadata.trust, AddressTrust::kConfigured);
  EXPECT_EQ(metadata.ca_file, "ca.pem");
  EXPECT_EQ(metadata.timeout, absl::Seconds(3));
  const HttpRequest& keys = transport_.requests()[1];
  EXPECT_EQ(keys.url, "https://keys.issuer.example/k?v=1");
  EXPECT_EQ(keys.trust, AddressTrust::kLearnt);
  EXPECT_EQ(keys.max_body_bytes, JwkSet::kMaxBytes);
  EXPECT_EQ(keys.timeout, absl::Seconds(3));
}

TEST_F(HttpJwkSetSourceTest, AsksOnlyTheConfiguredUrlWhereThereIsOne) {
  jwks_url_ = "https://10.0.0.1/keys";
  transport_.Push(200, SetOf("k"));
  ASSERT_TRUE(Load().ok());
  ASSERT_THAT(transport_.requests(), SizeIs(1));
  EXPECT_EQ(transport_.requests()[0].url, "https://10.0.0.1/keys");
  EXPECT_EQ(transport_.requests()[0].trust, AddressTrust::kConfigured);
}

TEST_F(HttpJwkSetSourceTest, TheMetadataMustBeTheIssuersOwn) {
  for (const char* issuer : {"https://canary.example", "https://issuer.example/",
                             "HTTPS://issuer.example", "", "https://issuer.example/canary"}) {
    transport_.Push(200, Metadata(issuer, "https://issuer.example/k"));
    const Loaded loaded = Load();
    ASSERT_FALSE(loaded.ok()) << issuer;
  }
  EXPECT_THAT(transport_.requests(), SizeIs(5)) << "no keys were asked for";
}

TEST_F(HttpJwkSetSourceTest, KeysOfAStrangersHostAreNeverAskedFor) {
  for (const char* url :
       {"https://canary.example/k", "http://issuer.example/k",
        "https://issuer.example.canary.example/k", "https://notissuer.example/k",
        "file:///etc/passwd", "https://issuer.example@canary.example/k", "https://127.0.0.1/k",
        "//issuer.example/k", "https://issuer.example/k#canary", ""}) {
    const std::size_t before = transport_.requests().size();
    transport_.Push(200, Metadata(testing::kTestIssuer, url));
    EXPECT_FALSE(Load().ok()) << url;
    EXPECT_THAT(transport_.requests(), SizeIs(before + 1)) << url;
  }
  issuer_.allowed_hosts = {"keys.example"};
  transport_.Push(200, Metadata(testing::kTestIssuer, "https://keys.example/k"));
  transport_.Push(200, SetOf("k"));
  EXPECT_TRUE(Load().ok());
  EXPECT_EQ(transport_.requests().back().trust, AddressTrust::kConfigured);
}

TEST_F(HttpJwkSetSourceTest, EntrasCommonMetadataServeATemplatedIssuer) {
  issuer_.issuer = "https://login.example/{tenantid}/v2.0";
  transport_.Push(200,
                  Metadata(issuer_.issuer, "https://login.example/common/discovery/v2.0/keys"));
  transport_.Push(200, SetOf("k"));
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(transport_.requests()[0].url,
            "https://login.example/common/v2.0/.well-known/openid-configuration");
  transport_.Push(200, Metadata("https://login.example/common/v2.0", "https://login.example/keys"));
  EXPECT_FALSE(Load().ok());
}

TEST_F(HttpJwkSetSourceTest, FailuresAreErrorsOfTheAuthority) {
  jwks_url_ = "https://keys.example/jwks";
  transport_.Push(absl::UnauthenticatedError("canary"));
  EXPECT_EQ(Load().error().reason, Reason::kAuthorityUntrusted);
  transport_.Push(absl::OutOfRangeError("canary"));
  EXPECT_EQ(Load().error().reason, Reason::kAuthorityResponseInvalid);
  transport_.Push(200, "canary");
  EXPECT_EQ(Load().error().reason, Reason::kAuthorityResponseInvalid);
  transport_.Push(503, "canary");
  EXPECT_EQ(Load().error().reason, Reason::kAuthorityUnavailable);
}

}  // namespace
}  // namespace tokensvc
