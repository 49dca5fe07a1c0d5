// SPDX-License-Identifier: Apache-2.0
#include "service/authority/authority.h"

#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/authority/http_url.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

TEST(KnownClouds, FindsEachByEveryAlias) {
  const char* const names[] = {"login.microsoftonline.com", "login.windows.net",
                               "login.microsoft.com", "sts.windows.net"};
  for (const char* name : names) {
    ASSERT_NE(FindKnownCloud(name), nullptr) << name;
    EXPECT_EQ(FindKnownCloud(name)->host, "login.microsoftonline.com");
  }
  EXPECT_EQ(FindKnownCloud("login.chinacloudapi.cn")->host, "login.partner.microsoftonline.cn");
  EXPECT_NE(FindKnownCloud("login.sovcloud-identity.fr"), nullptr);
  EXPECT_EQ(FindKnownCloud("login.microsoftonline.com.evil.example"), nullptr);
}

TEST(RegionalHost, IsShorterInThePublicCloud) {
  EXPECT_EQ(RegionalHost("westeurope", "login.windows.net"), "westeurope.login.microsoft.com");
  EXPECT_EQ(RegionalHost("chinaeast2", "login.partner.microsoftonline.cn"),
            "chinaeast2.login.partner.microsoftonline.cn");
}

TEST(CheckAuthority, AcceptsTheDefaultAndLoopback) {
  Authority authority;
  EXPECT_THAT(CheckAuthority(authority), IsEmpty());
  authority.base_url = "http://127.0.0.1:8080";
  EXPECT_THAT(CheckAuthority(authority), IsEmpty());
  authority.kind = AuthorityKind::kOidc;
  authority.issuer = "https://login.example/realms/a";
  authority.allowed_hosts = {"tokens.example", "10.0.0.1"};
  EXPECT_THAT(CheckAuthority(authority), IsEmpty());
}

TEST(CheckAuthority, NamesEverythingThatIsWrong) {
  Authority authority;
  authority.base_url = "http://login.example/tenant";
  authority.region = "West Europe";
  authority.request_timeout = absl::ZeroDuration();
  EXPECT_THAT(CheckAuthority(authority),
              ElementsAre(Field(&FieldViolation::field, "base_url"),
                          Field(&FieldViolation::field, "region"),
                          Field(&FieldViolation::field, "request_timeout")));
  Authority oidc;
  oidc.kind = AuthorityKind::kOidc;
  oidc.issuer = "http://login.example";
  oidc.allowed_hosts = {"ok.example", "https://not.example", "x/y"};
  EXPECT_THAT(CheckAuthority(oidc), ElementsAre(Field(&FieldViolation::field, "issuer"),
                                                Field(&FieldViolation::field, "allowed_hosts[1]"),
                                                Field(&FieldViolation::field, "allowed_hosts[2]")));
}

TEST(ProfileOf, DiffersByKind) {
  Authority authority;
  EXPECT_TRUE(ProfileOf(authority).has_tenants);
  EXPECT_EQ(ProfileOf(authority).refresh_token_reuse, RefreshTokenReuse::kReusable);
  authority.kind = AuthorityKind::kOidc;
  EXPECT_FALSE(ProfileOf(authority).has_tenants);
  EXPECT_EQ(ProfileOf(authority).refresh_token_reuse, RefreshTokenReuse::kSingleUse);
  EXPECT_FALSE(ProfileOf(authority).absent_scope_means_requested);
}

TEST(ProfileOf, SaysWhatDiffersAtAdFsB2cAndCiam) {
  Authority authority;
  authority.kind = AuthorityKind::kAdfs;
  EXPECT_FALSE(ProfileOf(authority).has_tenants);
  EXPECT_EQ(ProfileOf(authority).scope_rule, ScopeRule::kOAuth);
  EXPECT_TRUE(ProfileOf(authority).sends_resource);
  EXPECT_FALSE(ProfileOf(authority).sends_audience);
  EXPECT_TRUE(ProfileOf(authority).wants_rs256_assertions);
  for (const AuthorityKind kind : {AuthorityKind::kB2c, AuthorityKind::kCiam}) {
    authority.kind = kind;
    EXPECT_FALSE(ProfileOf(authority).has_tenants);
    EXPECT_EQ(ProfileOf(authority).scope_rule, ScopeRule::kEntraDefault);
    EXPECT_FALSE(ProfileOf(authority).sends_resource);
    EXPECT_FALSE(ProfileOf(authority).sends_client_capabilities);
    EXPECT_FALSE(ProfileOf(authority).wants_rs256_assertions);
    EXPECT_TRUE(ProfileOf(authority).absent_scope_means_requested);
  }
}

TEST(TokenEndpoints, OfAdFs) {
  for (const char* base : {"https://fs.example", "https://fs.example/", "https://fs.example/adfs",
                           "https://fs.example/adfs/"}) {
    EXPECT_EQ(AdfsTokenEndpoint(base), "https://fs.example/adfs/oauth2/token");
  }
}

TEST(TokenEndpoints, OfB2c) {
  EXPECT_EQ(B2cTokenEndpoint("", "contoso.onmicrosoft.com", "B2C_1_a"),
            "https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_a/oauth2/v2.0/token");
  EXPECT_EQ(B2cTokenEndpoint("https://login.example/", "contoso.example", "p"),
            "https://login.example/contoso.example/p/oauth2/v2.0/token");
  EXPECT_EQ(B2cTokenEndpoint("", "contoso.example", "p"), "");
}

TEST(TokenEndpoints, OfCiam) {
  EXPECT_EQ(CiamTokenEndpoint("", "contoso", ""),
            "https://contoso.ciamlogin.com/contoso.onmicrosoft.com/oauth2/v2.0/token");
  EXPECT_EQ(CiamTokenEndpoint("https://login.example", "", "contoso.example"),
            "https://login.example/contoso.example/oauth2/v2.0/token");
}

TEST(CheckAuthority, LooksAtFixedEndpoints) {
  Authority authority;
  for (const AuthorityKind kind :
       {AuthorityKind::kAdfs, AuthorityKind::kB2c, AuthorityKind::kCiam}) {
    authority.kind = kind;
    authority.token_endpoint = "https://fs.example/adfs/oauth2/token";
    EXPECT_THAT(CheckAuthority(authority), IsEmpty());
    for (const char* url : {"", "http://fs.example/t", "https://fs.example/t?x=1", "fs.example"}) {
      authority.token_endpoint = url;
      EXPECT_THAT(CheckAuthority(authority),
                  ElementsAre(Field(&FieldViolation::field, "token_endpoint")))
          << url;
    }
  }
}

TEST(ParseHttpUrl, TakesUrlsApart) {
  const std::optional<HttpUrl> url = ParseHttpUrl("HTTPS://Login.Example:8443/a/b?c=d");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->Origin(), "https://login.example:8443");
  EXPECT_EQ(url->path, "/a/b?c=d");
  EXPECT_EQ(ParseHttpUrl("http://[::1]:80")->host, "[::1]");
}

TEST(ParseHttpUrl, RefusesWhatParsersDisagreeAbout) {
  for (const char* url : {"",
                          "login.example",
                          "ftp://login.example",
                          "https://",
                          "https:///x",
                          "https://user@login.example",
                          "https://a:b@login.example",
                          "https://login.example#f",
                          "https://login.example\\@evil.example",
                          "https://login.example/../x",
                          "https://login.example/%2E%2e/x",
                          "https://login.example:0",
                          "https://login.example:99999",
                          "https://login.example:",
                          "https://login.example:8x",
                          "https://0x7f.1",
                          "https://2130706433",
                          "https://127.1",
                          "https://010.0.0.1",
                          "https://a b",
                          "https://login.example/\n",
                          "https://l\xc3\xb6gin.example",
                          "https://[::1",
                          "https://[::1]x",
                          "https://login.example./"}) {
    EXPECT_FALSE(ParseHttpUrl(url).has_value()) << url;
  }
}

TEST(IsSameSite, KnowsSubdomainsFromLookalikes) {
  EXPECT_TRUE(IsSameSite("login.example", "login.example"));
  EXPECT_TRUE(IsSameSite("a.login.example", "login.example"));
  EXPECT_FALSE(IsSameSite("evillogin.example", "login.example"));
  EXPECT_FALSE(IsSameSite("example", "login.example"));
  EXPECT_FALSE(IsSameSite("1.10.0.0.1", "10.0.0.1"));
}

}  // namespace
}  // namespace tokensvc
