// SPDX-License-Identifier: Apache-2.0
#include "service/authority/provider_metadata.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/authority/canary.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Authority Oidc(std::string issuer = "https://login.example/realms/a") {
  Authority authority;
  authority.name = "main";
  authority.kind = AuthorityKind::kOidc;
  authority.issuer = std::move(issuer);
  authority.allowed_hosts = {"Tokens.Example"};
  return authority;
}

std::string Document(absl::string_view issuer, absl::string_view token_endpoint) {
  return absl::StrCat(
      R"({"issuer":")", issuer, R"(","token_endpoint":")", token_endpoint,
      R"(","token_endpoint_auth_methods_supported":["private_key_jwt",7,"client_secret_post"]})");
}

TEST(ProviderMetadataUrl, LeavesOutTheIssuersLastSlash) {
  EXPECT_EQ(ProviderMetadataUrl("https://a.example"),
            "https://a.example/.well-known/openid-configuration");
  EXPECT_EQ(ProviderMetadataUrl("https://a.example/b/"),
            "https://a.example/b/.well-known/openid-configuration");
}

TEST(ParseProviderMetadata, FindsTheEndpointAndWhatItAccepts) {
  const Authority authority = Oidc();
  const auto endpoint = ParseProviderMetadata(
      authority, Document(authority.issuer, "https://login.example/token?x=1"));
  ASSERT_TRUE(endpoint.ok()) << endpoint.error().message;
  EXPECT_EQ(endpoint->url, "https://login.example/token?x=1");
  EXPECT_EQ(endpoint->trust, AddressTrust::kConfigured);
  EXPECT_EQ(endpoint->issuer, authority.issuer);
  EXPECT_THAT(endpoint->auth_methods, ElementsAre("private_key_jwt", "client_secret_post"));
}

std::string WithAlias(absl::string_view aliases) {
  return absl::StrCat(
      R"({"issuer":"https://login.example/realms/a","token_endpoint":"https://login.example/t",)",
      R"("mtls_endpoint_aliases":)", aliases, "}");
}

TEST(ParseProviderMetadata, FindsTheEndpointForMutualTls) {
  const auto same = ParseProviderMetadata(
      Oidc(), WithAlias(R"({"token_endpoint":"https://login.example:8443/t"})"));
  ASSERT_TRUE(same.ok());
  ASSERT_TRUE(same->mtls.has_value());
  EXPECT_EQ(same->mtls->url, "https://login.example:8443/t");
  EXPECT_EQ(same->mtls->trust, AddressTrust::kConfigured);
  EXPECT_EQ(same->url, "https://login.example/t");
  const auto subdomain = ParseProviderMetadata(
      Oidc(), WithAlias(R"({"token_endpoint":"https://mtls.login.example/t"})"));
  EXPECT_EQ(subdomain->mtls->trust, AddressTrust::kLearnt);
  for (const char* none : {"{}", R"({"token_endpoint":null})", "[]", "7"}) {
    EXPECT_FALSE(ParseProviderMetadata(Oidc(), WithAlias(none))->mtls.has_value()) << none;
  }
}

TEST(ParseProviderMetadata, AnAliasElsewhereCannotBeUsedAndHarmsNobodyElse) {
  for (const char* url : {"https://evil.example/t", "http://login.example/t", "not a url"}) {
    const auto endpoint = ParseProviderMetadata(
        Oidc(), WithAlias(absl::StrCat(R"({"token_endpoint":")", url, "\"}")));
    ASSERT_TRUE(endpoint.ok()) << url;
    ASSERT_TRUE(endpoint->mtls.has_value()) << url;
    EXPECT_EQ(endpoint->mtls->url, "") << url;
  }
}

TEST(ParseProviderMetadata, MeansBasicWhereMethodsAreAbsent) {
  const auto endpoint = ParseProviderMetadata(
      Oidc(),
      R"({"issuer":"https://login.example/realms/a","token_endpoint":"https://login.example/t"})");
  ASSERT_TRUE(endpoint.ok());
  EXPECT_THAT(endpoint->auth_methods, ElementsAre("client_secret_basic"));
}

TEST(ParseProviderMetadata, TrustsByHost) {
  const Authority authority = Oidc();
  const auto trust = [&authority](const char* url) {
    const auto endpoint = ParseProviderMetadata(authority, Document(authority.issuer, url));
    return endpoint.ok() ? std::optional<AddressTrust>(endpoint->trust) : std::nullopt;
  };
  EXPECT_EQ(trust("https://tokens.example/t"), AddressTrust::kConfigured);
  EXPECT_EQ(trust("https://eu.login.example/t"), AddressTrust::kLearnt);
  EXPECT_EQ(trust("https://LOGIN.example:8443/t"), AddressTrust::kConfigured);
}

TEST(ParseProviderMetadata, RefusesEndpointsThatPointElsewhere) {
  const Authority authority = Oidc();
  for (const char* url :
       {"http://login.example/t", "https://evil.example/t", "https://login.example.evil.example/t",
        "https://evillogin.example/t", "https://login.example@evil.example/t",
        "https://u:CANARY-8f3a1c@login.example/t", "https://login.example/t#CANARY-8f3a1c",
        "https://169.254.169.254/t", "file:///etc/passwd", "/t", "http://127.0.0.1/t",
        "https://sub.tokens.example/t"}) {
    const auto endpoint = ParseProviderMetadata(authority, Document(authority.issuer, url));
    ASSERT_FALSE(endpoint.ok()) << url;
    EXPECT_EQ(endpoint.error().reason, Reason::kAuthorityUntrusted) << url;
    EXPECT_EQ(endpoint.error().code, absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(VisibleText(endpoint.error()), Not(HasSubstr(std::string(kCanary))));
    EXPECT_THAT(VisibleText(endpoint.error()), Not(HasSubstr("evil")));
  }
}

TEST(ParseProviderMetadata, ComparesTheIssuerByteForByte) {
  const Authority authority = Oidc();
  for (const char* issuer :
       {"https://login.example/realms/a/", "https://LOGIN.example/realms/a",
        "https://evil.example/CANARY-8f3a1c", "https://login.example:443/realms/a",
        "https://login.example/realms/A"}) {
    const auto endpoint =
        ParseProviderMetadata(authority, Document(issuer, "https://login.example/t"));
    ASSERT_FALSE(endpoint.ok()) << issuer;
    EXPECT_EQ(endpoint.error().reason, Reason::kAuthorityUntrusted) << issuer;
    EXPECT_THAT(VisibleText(endpoint.error()), Not(HasSubstr(std::string(kCanary))));
  }
}

TEST(ParseProviderMetadata, TakesPlainHttpOnTheIssuersOwnLoopbackOnly) {
  const Authority loopback = Oidc("http://127.0.0.1:8080");
  EXPECT_TRUE(
      ParseProviderMetadata(loopback, Document(loopback.issuer, "http://127.0.0.1:8081/t")).ok());
  EXPECT_FALSE(
      ParseProviderMetadata(loopback, Document(loopback.issuer, "http://127.0.0.2:8080/t")).ok());
  EXPECT_FALSE(
      ParseProviderMetadata(loopback, Document(loopback.issuer, "http://tokens.example/t")).ok());
}

TEST(ParseProviderMetadata, RefusesNonsenseAsRetryable) {
  for (const char* body :
       {"", "CANARY-8f3a1c", "[]", "{}", R"({"issuer":"https://login.example/realms/a"})",
        R"({"issuer":7,"token_endpoint":"https://login.example/t"})",
        R"({"issuer":"https://login.example/realms/a","issuer":"CANARY-8f3a1c"})"}) {
    const auto endpoint = ParseProviderMetadata(Oidc(), body);
    ASSERT_FALSE(endpoint.ok()) << body;
    EXPECT_EQ(endpoint.error().reason, Reason::kAuthorityResponseInvalid) << body;
    EXPECT_TRUE(endpoint.error().retry_after.has_value());
    EXPECT_THAT(VisibleText(endpoint.error()), Not(HasSubstr(std::string(kCanary))));
  }
}

// As the public cloud answers, shortened.
constexpr absl::string_view kInstance =
    R"({"tenant_discovery_endpoint":"https://login.microsoftonline.com/common/.well-known/openid-configuration",)"
    R"("api-version":"1.1","metadata":[{"preferred_network":"login.microsoftonline.com","preferred_cache":"login.windows.net",)"
    R"("aliases":["login.microsoftonline.com","login.windows.net","login.microsoft.com","sts.windows.net"]},)"
    R"({"preferred_network":"login.partner.microsoftonline.cn","preferred_cache":"login.partner.microsoftonline.cn",)"
    R"("aliases":["login.partner.microsoftonline.cn","login.chinacloudapi.cn"]}]})";

TEST(ParseInstanceDiscovery, PrefersTheNameThatTheCloudPrefers) {
  EXPECT_EQ(*ParseInstanceDiscovery("login.windows.net", kInstance), "login.microsoftonline.com");
  EXPECT_EQ(*ParseInstanceDiscovery("login.chinacloudapi.cn", kInstance),
            "login.partner.microsoftonline.cn");
  EXPECT_EQ(*ParseInstanceDiscovery("private.example", kInstance), "private.example");
}

TEST(ParseInstanceDiscovery, GoesNowhereThatIsNotKnownAndListed) {
  const char* const documents[] = {
      R"({"metadata":[{"preferred_network":"evil.example","aliases":["evil.example","login.windows.net"]}]})",
      R"({"metadata":[{"preferred_network":"login.microsoft.com","aliases":["login.windows.net"]}]})",
      R"({"metadata":[{"preferred_network":"login.chinacloudapi.cn","aliases":["login.chinacloudapi.cn","login.windows.net"]}]})",
      R"({"metadata":[{"preferred_network":7,"aliases":["login.windows.net",8]},9]})",
      R"({"metadata":[]})"};
  for (const char* document : documents) {
    EXPECT_EQ(*ParseInstanceDiscovery("login.windows.net", document), "login.windows.net")
        << document;
  }
  EXPECT_FALSE(ParseInstanceDiscovery("login.windows.net", "{}").ok());
  EXPECT_FALSE(ParseInstanceDiscovery("login.windows.net", "<html>").ok());
}

TEST(SaysInvalidInstance, IsTrueOfThatErrorOnly) {
  EXPECT_TRUE(
      SaysInvalidInstance(R"({"error":"invalid_instance","error_description":"AADSTS50049"})"));
  EXPECT_FALSE(SaysInvalidInstance(R"({"error":"invalid_request"})"));
  EXPECT_FALSE(SaysInvalidInstance("invalid_instance"));
}

}  // namespace
}  // namespace tokensvc
