// SPDX-License-Identifier: Apache-2.0
// What the development authority issues, publishes and refuses, over real HTTP.
#include "tests/authority/dev_authority.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "tests/authority/authority_test_fixture.h"
#include "tests/authority/encoding.h"
#include "tests/authority/jwt.h"
#include "tests/authority/keys.h"
#include "tests/authority/test_certificates.h"

namespace tokensvc {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class DevAuthorityTest : public AuthorityTest {
 protected:
  // The answer to the good request with some parameters replaced; an empty value leaves one out.
  Answer PostWith(const Params& changes) {
    Params params = GoodParams();
    for (const auto& [name, value] : changes) {
      params[name] = value;
      if (value.empty()) params.erase(name);
    }
    return Post(TokenPath(), params);
  }
};

// An RSA public key from the JWK that the authority publishes.
devauth::SharedPkey KeyFromJwk(const Json& jwk) {
  const std::string n = *devauth::Base64UrlDecode(jwk["n"].get<std::string>());
  const std::string e = *devauth::Base64UrlDecode(jwk["e"].get<std::string>());
  const auto number = [](const std::string& s) {
    return BN_bin2bn(reinterpret_cast<const unsigned char*>(s.data()), static_cast<int>(s.size()),
                     nullptr);
  };
  BIGNUM* bn_n = number(n);
  BIGNUM* bn_e = number(e);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, bn_n);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, bn_e);
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  BN_free(bn_n);
  BN_free(bn_e);
  return devauth::SharedPkey(key, &EVP_PKEY_free);
}

TEST_F(DevAuthorityTest, IssuesATokenThatVerifiesAgainstItsPublishedKeys) {
  DevAuthority::Options options;
  options.refresh_in_seconds = 1800;
  Start(options);
  const Answer answer = PostWith({});
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.json["token_type"], "Bearer");
  EXPECT_EQ(answer.json["expires_in"], 3600);
  EXPECT_EQ(answer.json["ext_expires_in"], 3600);
  EXPECT_EQ(answer.json["refresh_in"], 1800);
  EXPECT_EQ(answer.Header("Cache-Control"), "no-store");

  const auto jwt = devauth::ParseJwt(answer.token());
  ASSERT_TRUE(jwt.has_value());
  const Answer keys = Get(absl::StrCat("/", kTenant, "/discovery/v2.0/keys"));
  ASSERT_EQ(keys.json["keys"].size(), 1u) << keys.text;
  const Json& jwk = keys.json["keys"][0];
  EXPECT_EQ(jwt->header["kid"], jwk["kid"]);
  EXPECT_EQ(jwt->header["alg"], "RS256");
  EXPECT_TRUE(
      devauth::VerifySignature("RS256", KeyFromJwk(jwk).get(), jwt->signing_input, jwt->signature));
  EXPECT_EQ(jwt->claims["iss"], absl::StrCat(authority_->base_url(), "/", kTenant, "/v2.0"));
  EXPECT_EQ(jwt->claims["aud"], "https://api.example");
  EXPECT_EQ(jwt->claims["tid"], kTenant);
  EXPECT_EQ(jwt->claims["appid"], kClientId);
  EXPECT_EQ(jwt->claims["roles"], Json::array({"Reader"}));
  EXPECT_EQ(jwt->claims["exp"].get<int64_t>() - jwt->claims["iat"].get<int64_t>(), 3600);
  EXPECT_FALSE(jwt->claims.contains("xms_cc"));
}

TEST_F(DevAuthorityTest, TwoTokensDiffer) {
  Start();
  const std::string first = PostWith({}).token();
  const std::string second = PostWith({}).token();
  EXPECT_NE(first, "");
  EXPECT_NE(first, second);
  EXPECT_EQ(authority_->issued_tokens(), 2);
}

TEST_F(DevAuthorityTest, UsesTheFixedKeyAndClockThatItIsGiven) {
  const auto certificates = TestCertificates::Create(directory_);
  ASSERT_TRUE(certificates.ok());
  const auto files = (*certificates)->IssueClient("signer");
  ASSERT_TRUE(files.ok()) << files.status();
  DevAuthority::Options options;
  options.signing_key_pem = ReadWholeFile(files->private_key);
  options.now = [] { return absl::FromUnixSeconds(1'000'000'000); };
  Start(options);
  const Json claims = ClaimsOf(PostWith({}).token());
  EXPECT_EQ(claims["iat"], 1'000'000'000);
  const std::string kid = Get("/oidc/jwks").json["keys"][0]["kid"];
  Start(options);
  EXPECT_EQ(Get("/oidc/jwks").json["keys"][0]["kid"], kid);
}

TEST_F(DevAuthorityTest, MakesAKeyOfItsOwnWhereNoneIsGiven) {
  const auto one = DevAuthority::Start({});
  const auto other = DevAuthority::Start({});
  ASSERT_TRUE(one.ok() && other.ok());
  const auto kid = [](const DevAuthority& authority) {
    httplib::Client client(authority.base_url());
    return ToAnswer(client.Get("/oidc/jwks")).json["keys"][0]["kid"].get<std::string>();
  };
  EXPECT_NE(kid(**one), kid(**other));
}

TEST_F(DevAuthorityTest, StartRefusesWhatItCannotUse) {
  DevAuthority::Options bad_certificate;
  bad_certificate.clients = {{"x", {}, {"not a certificate"}, {}}};
  EXPECT_FALSE(DevAuthority::Start(bad_certificate).ok());
  DevAuthority::Options bad_key;
  bad_key.signing_key_pem = "not a key";
  EXPECT_FALSE(DevAuthority::Start(bad_key).ok());
  DevAuthority::Options bad_tls;
  bad_tls.tls_certificate_file = bad_tls.tls_private_key_file = "/nonexistent";
  EXPECT_FALSE(DevAuthority::Start(bad_tls).ok());
  DevAuthority::Options bad_url;
  bad_url.public_url = "https://sts.example/";
  EXPECT_FALSE(DevAuthority::Start(bad_url).ok());
  DevAuthority::Options nowhere;
  nowhere.address = "203.0.113.1";  // RFC 5737: nobody's
  EXPECT_EQ(DevAuthority::Start(nowhere).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(DevAuthorityTest, KeepsTheDoubleSlashOfAResource) {
  Start();
  const Answer answer = PostWith({{"scope", "https://database.example//.default"}});
  EXPECT_EQ(ClaimsOf(answer.token())["aud"], "https://database.example/");
}

TEST_F(DevAuthorityTest, ShowsTheCapabilityThatTheClaimsParameterCarries) {
  Start();
  const Answer answer = PostWith({{"claims", R"({"access_token":{"xms_cc":{"values":["cp1"]}}})"}});
  EXPECT_EQ(ClaimsOf(answer.token())["xms_cc"], Json::array({"cp1"}));
}

struct Refusal {
  const char* name;
  Params changes;
  int status;
  const char* error;
  int aadsts;
};

class RefusalTest : public DevAuthorityTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(RefusalTest, IsWordedLikeEntra) {
  DevAuthority::Options options;
  options.resources = {"https://api.example"};
  Start(options);
  const Answer answer = PostWith(GetParam().changes);
  EXPECT_EQ(answer.status, GetParam().status) << answer.text;
  EXPECT_EQ(answer.error(), GetParam().error) << answer.text;
  EXPECT_EQ(answer.aadsts(), GetParam().aadsts) << answer.text;
  EXPECT_EQ(authority_->issued_tokens(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    TokenRequest, RefusalTest,
    ::testing::Values(
        Refusal{"NoGrantType", {{"grant_type", ""}}, 400, "invalid_request", 900144},
        Refusal{"OtherGrant", {{"grant_type", "password"}}, 400, "unsupported_grant_type", 70003},
        Refusal{"NoScope", {{"scope", ""}}, 400, "invalid_request", 900144},
        Refusal{"UserScope", {{"scope", "user.read"}}, 400, "invalid_scope", 70011},
        Refusal{"TwoScopes",
                {{"scope", "https://api.example/.default https://b.example/.default"}},
                400,
                "invalid_scope",
                70011},
        Refusal{"TrailingSpace",
                {{"scope", "https://api.example/.default "}},
                400,
                "invalid_scope",
                70011},
        Refusal{"ControlInScope",
                {{"scope", "https://api\n.example/.default"}},
                400,
                "invalid_scope",
                70011},
        Refusal{"BareDefault", {{"scope", "/.default"}}, 400, "invalid_scope", 70011},
        Refusal{"UnknownResource",
                {{"scope", "https://other.example/.default"}},
                400,
                "invalid_resource",
                500011},
        Refusal{"UnknownClient", {{"client_id", "nobody"}}, 400, "unauthorized_client", 700016},
        Refusal{"NoClient", {{"client_id", ""}}, 400, "invalid_request", 900144},
        Refusal{"WrongSecret", {{"client_secret", "wrong"}}, 401, "invalid_client", 7000215},
        Refusal{"NoCredential", {{"client_secret", ""}}, 401, "invalid_client", 7000218},
        Refusal{"TwoMethods", {{"client_assertion", "a.b.c"}}, 400, "invalid_request", 90014},
        Refusal{"ClaimsNotJson", {{"claims", "{"}}, 400, "invalid_request", 9000410},
        Refusal{"ClaimsNotObject", {{"claims", "[1]"}}, 400, "invalid_request", 9000410},
        Refusal{"ClaimsDuplicateKey",
                {{"claims", R"({"a":1,"a":2})"}},
                400,
                "invalid_request",
                9000410}),
    [](const auto& test) { return test.param.name; });

TEST_F(DevAuthorityTest, ARefusalHasEveryFieldOfEntras) {
  Start();
  const std::string id = "12345678-1234-1234-1234-123456789abc";
  Params params = GoodParams();
  params["client_secret"] = "wrong";
  const Answer answer =
      Post(TokenPath(), params, {{"client-request-id", id}, {"return-client-request-id", "true"}});
  EXPECT_EQ(answer.Header("client-request-id"), id);
  EXPECT_EQ(answer.json["correlation_id"], id);
  EXPECT_THAT(answer.json["trace_id"].get<std::string>(), ContainsRegex("^[0-9a-f-]{36}$"));
  EXPECT_THAT(answer.json["timestamp"].get<std::string>(),
              ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}Z$"));
  EXPECT_THAT(answer.json["error_uri"].get<std::string>(), HasSubstr("7000215"));
  const std::string description = answer.json["error_description"];
  EXPECT_THAT(description, ContainsRegex("^AADSTS7000215: .* Trace ID: .* Correlation ID: .* "
                                         "Timestamp: "));
  EXPECT_THAT(answer.text, Not(HasSubstr("wrong\"")));
  EXPECT_FALSE(answer.json.contains("suberror"));
}

TEST_F(DevAuthorityTest, DoesNotEchoTheRequestIdUnasked) {
  Start();
  const Answer answer = Post(TokenPath(), GoodParams(), {{"client-request-id", "x"}});
  EXPECT_EQ(answer.Header("client-request-id"), "");
}

TEST_F(DevAuthorityTest, RefusesTenantsThatCannotIssueAppTokens) {
  Start();
  for (const char* alias : {"common", "organizations", "consumers", "Common"}) {
    EXPECT_EQ(Post(TokenPath(alias), GoodParams()).aadsts(), 50059) << alias;
  }
  for (const char* bad : {"nodots", "a..b", "-a.example", "..", "%2e%2e", "contoso.example%2f"}) {
    EXPECT_EQ(Post(TokenPath(bad), GoodParams()).aadsts(), 900023) << bad;
  }
  EXPECT_EQ(Post(TokenPath("contoso.example"), GoodParams()).status, 200);
}

TEST_F(DevAuthorityTest, KnowsOnlyTheTenantsInItsList) {
  DevAuthority::Options options;
  options.tenants = {{kTenant, {"contoso.example"}}};
  Start(options);
  EXPECT_EQ(Post(TokenPath("other.example"), GoodParams()).aadsts(), 90002);
  const Answer answer = Post(TokenPath("CONTOSO.example"), GoodParams());
  EXPECT_EQ(ClaimsOf(answer.token())["tid"], kTenant);
}

TEST_F(DevAuthorityTest, RefusesMalformedMessages) {
  Start();
  const std::string good = FormBody(GoodParams());
  EXPECT_EQ(PostText(TokenPath(), good).status, 200);
  EXPECT_EQ(
      PostText(TokenPath(), good, {}, "application/x-www-form-urlencoded; charset=utf-8").status,
      200);
  EXPECT_EQ(PostText(TokenPath(), good, {}, "text/plain").status, 400);
  EXPECT_EQ(PostText(TokenPath(), good, {}, "application/json").status, 400);
  EXPECT_EQ(PostText(TokenPath(), "").status, 400);
  for (const char* tail : {"&scope=again", "&x=%", "&x=%4", "&x=%zz", "&x", "&=x", "&", "&x=a b",
                           "&x=a=b", "&x=\"q\"", "&x=\xc3\xa4"}) {
    EXPECT_EQ(PostText(TokenPath(), good + tail).error(), "invalid_request") << tail;
  }
  EXPECT_EQ(authority_->issued_tokens(), 2);
}

TEST_F(DevAuthorityTest, RefusesOtherMethodsAndCredentialsInTheQuery) {
  Start();
  const Answer answer = Get(TokenPath());
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.Header("Allow"), "POST");
  EXPECT_EQ(Post(TokenPath() + "?client_secret=x", GoodParams()).status, 400);
  EXPECT_EQ(Post(TokenPath() + "?slice=test", GoodParams()).status, 200);
}

TEST_F(DevAuthorityTest, CapsTheRequestBody) {
  DevAuthority::Options options;
  options.max_request_body_bytes = 64 * 1024;
  Start(options);
  Params params = GoodParams();
  params["client_info"] = std::string(40 * 1024, 'a');  // above the library's own 8 KiB for forms
  EXPECT_EQ(Post(TokenPath(), params).status, 200);
  params["client_info"] = std::string(70 * 1024, 'a');
  EXPECT_EQ(Post(TokenPath(), params).status, 413);
}

std::string Basic(absl::string_view id, absl::string_view secret) {
  return absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(id, ":", secret)));
}

TEST_F(DevAuthorityTest, TakesBasicCredentialsWithBothPartsFormEncoded) {
  DevAuthority::Options options;
  options.clients = {{"urn:my app", {kSecret}, {}, {}}};
  Start(options);
  const Params params = {{"grant_type", "client_credentials"}, {"scope", "api://x/.default"}};
  const std::string good = Basic(FormEncode("urn:my app"), FormEncode(kSecret));
  EXPECT_EQ(Post(TokenPath(), params, {{"Authorization", good}}).status, 200);
  EXPECT_EQ(authority_->counters().token_requests_by_client["urn:my app"], 1);

  const Answer raw = Post(TokenPath(), params, {{"Authorization", Basic("urn:my app", kSecret)}});
  EXPECT_EQ(raw.status, 401);
  EXPECT_THAT(raw.Header("WWW-Authenticate"), HasSubstr("Basic"));
  for (const char* bad : {"Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer x"}) {
    EXPECT_EQ(Post(TokenPath(), params, {{"Authorization", bad}}).status, 401) << bad;
  }
  Params with_id = params;
  with_id["client_id"] = "urn:my app";
  EXPECT_EQ(Post(TokenPath(), with_id, {{"Authorization", good}}).status, 200);
  with_id["client_id"] = "other";
  EXPECT_EQ(Post(TokenPath(), with_id, {{"Authorization", good}}).aadsts(), 90014);
  Params both = params;
  both["client_secret"] = kSecret;
  EXPECT_EQ(Post(TokenPath(), both, {{"Authorization", good}}).aadsts(), 90014);
}

TEST_F(DevAuthorityTest, AReplacedClientHasTheNewSecretsOnly) {
  Start();
  DevAuthority::Client client = DefaultClient();
  client.secrets = {"new", "newer"};
  ASSERT_TRUE(authority_->PutClient(client).ok());
  EXPECT_EQ(PostWith({}).aadsts(), 7000215);
  EXPECT_EQ(PostWith({{"client_secret", "new"}}).status, 200);
  EXPECT_EQ(PostWith({{"client_secret", "newer"}}).status, 200);
}

TEST_F(DevAuthorityTest, PublishesEntrasDiscovery) {
  Start();
  const std::string base = absl::StrCat(authority_->base_url(), "/", kTenant);
  const Json json = Get(absl::StrCat("/", kTenant, "/v2.0/.well-known/openid-configuration")).json;
  EXPECT_EQ(json["issuer"], base + "/v2.0");
  EXPECT_EQ(json["token_endpoint"], base + "/oauth2/v2.0/token");
  EXPECT_EQ(json["jwks_uri"], base + "/discovery/v2.0/keys");
  EXPECT_EQ(Get("/common/v2.0/.well-known/openid-configuration").json["issuer"],
            authority_->base_url() + "/{tenantid}/v2.0");
  EXPECT_EQ(Get("/nodots/v2.0/.well-known/openid-configuration").status, 400);
  EXPECT_EQ(Get("/no/such/path").status, 404);
  const auto counters = authority_->counters();
  EXPECT_EQ(counters.discovery_requests, 3);
  EXPECT_EQ(counters.token_requests, 0);
}

TEST_F(DevAuthorityTest, InstanceDiscoveryKnowsItsOwnHostsAndThePublicClouds) {
  DevAuthority::Options options;
  options.instance_aliases = {"alias.example"};
  Start(options);
  const auto ask = [this](const std::string& host) {
    return Get(absl::StrCat(
        "/common/discovery/instance?api-version=1.1&authorization_endpoint=",
        FormEncode(absl::StrCat("https://", host, "/", kTenant, "/oauth2/v2.0/authorize"))));
  };
  const std::string own = absl::StrCat("127.0.0.1:", authority_->port());
  const Answer answer = ask(own);
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(
      answer.json["tenant_discovery_endpoint"],
      absl::StrCat(authority_->base_url(), "/", kTenant, "/v2.0/.well-known/openid-configuration"));
  const Json aliases = answer.json["metadata"].back()["aliases"];
  EXPECT_EQ(aliases.front(), own);
  EXPECT_EQ(aliases.back(), "alias.example");
  EXPECT_EQ(ask("login.windows.net").status, 200);
  const Answer unknown = ask("evil.example");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.error(), "invalid_instance");
  EXPECT_EQ(Get("/common/discovery/instance").status, 400);
  EXPECT_EQ(authority_->counters().instance_requests, 4);
}

TEST_F(DevAuthorityTest, ThePublicUrlIsWhatItsDocumentsName) {
  DevAuthority::Options options;
  options.public_url = "https://sts.example";
  Start(options);
  httplib::Client client(absl::StrCat("http://127.0.0.1:", authority_->port()));
  const char* path = "/oidc/.well-known/openid-configuration";
  EXPECT_EQ(ToAnswer(client.Get(path, {{"Host", "sts.example"}})).json["issuer"],
            "https://sts.example/oidc");
  EXPECT_EQ(ToAnswer(client.Get(path, {{"Host", "evil.example"}})).json["issuer"],
            "https://sts.example/oidc");
}

TEST_F(DevAuthorityTest, ServesAPlainOidcIssuer) {
  Start();
  const Json discovery = Get("/oidc/.well-known/openid-configuration").json;
  EXPECT_EQ(discovery["issuer"], authority_->oidc_issuer());
  EXPECT_EQ(discovery["token_endpoint"], authority_->oidc_issuer() + "/token");
  EXPECT_EQ(discovery["jwks_uri"], authority_->oidc_issuer() + "/jwks");

  Params params = GoodParams();
  params["scope"] = "read:all write";
  const Answer by_client = Post("/oidc/token", params);
  ASSERT_EQ(by_client.status, 200) << by_client.text;
  EXPECT_EQ(by_client.json["scope"], "read:all write");
  EXPECT_FALSE(by_client.json.contains("ext_expires_in"));
  EXPECT_EQ(ClaimsOf(by_client.token())["iss"], authority_->oidc_issuer());
  EXPECT_EQ(ClaimsOf(by_client.token())["aud"], kClientId);
  params.erase("scope");
  params["resource"] = "https://res.example/v1";
  EXPECT_EQ(ClaimsOf(Post("/oidc/token", params).token())["aud"], "https://res.example/v1");
  params["audience"] = "my-audience";
  EXPECT_EQ(ClaimsOf(Post("/oidc/token", params).token())["aud"], "my-audience");
}

TEST_F(DevAuthorityTest, OidcRefusalsAreRfc6749sWithoutEntrasFields) {
  Start();
  Params params = GoodParams();
  for (const char* scope : {"a  b", " a", "a\"b", "a\\b", "a\tb", "\xc3\xa4"}) {
    params["scope"] = scope;
    EXPECT_EQ(Post("/oidc/token", params).error(), "invalid_scope") << scope;
  }
  params = GoodParams();
  params["resource"] = "not-absolute";
  EXPECT_EQ(Post("/oidc/token", params).error(), "invalid_target");
  params = GoodParams();
  params["client_id"] = "nobody";
  const Answer unknown = Post("/oidc/token", params);
  EXPECT_EQ(unknown.status, 401);
  EXPECT_EQ(unknown.error(), "invalid_client");
  EXPECT_EQ(unknown.json.size(), 2u);
  EXPECT_THAT(unknown.text, Not(HasSubstr("AADSTS")));
}

TEST_F(DevAuthorityTest, CountsRequestsAndRemembersTheLast) {
  Start();
  PostWith({});
  PostWith({{"client_id", "nobody"}});
  Post("/oidc/token", GoodParams(), {{"X-Test", "seen"}});
  Get("/oidc/jwks");
  DevAuthority::Counters counters = authority_->counters();
  EXPECT_EQ(counters.token_requests, 3);
  EXPECT_EQ(counters.token_requests_by_tenant[kTenant], 2);
  EXPECT_EQ(counters.token_requests_by_tenant["oidc"], 1);
  EXPECT_EQ(counters.token_requests_by_client[kClientId], 2);
  EXPECT_EQ(counters.token_requests_by_client["nobody"], 1);
  EXPECT_EQ(counters.token_requests_by_grant["client_credentials"], 3);
  EXPECT_EQ(counters.token_replies_by_error[""], 2);
  EXPECT_EQ(counters.token_replies_by_error["unauthorized_client"], 1);
  EXPECT_EQ(counters.jwks_requests, 1);
  EXPECT_EQ(counters.issued_tokens, 2);
  EXPECT_EQ(counters.accepted_connections, 4);
  EXPECT_EQ(authority_->last_form()["client_secret"], kSecret);
  EXPECT_EQ(authority_->last_headers()["x-test"], "seen");
  authority_->ResetCounters();
  EXPECT_EQ(authority_->counters().token_requests, 0);
  EXPECT_TRUE(authority_->last_form().empty());
}

TEST_F(DevAuthorityTest, KeepsAConnectionForManyRequests) {
  Start();
  httplib::Client client = NewClient();
  client.set_keep_alive(true);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ToAnswer(client.Post(TokenPath(), FormBody(GoodParams()), kForm)).status, 200);
  }
  EXPECT_EQ(authority_->counters().accepted_connections, 1);
}

}  // namespace
}  // namespace tokensvc
