// SPDX-License-Identifier: Apache-2.0
// What must hold between keys.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "service/config/validate.h"
#include "tests/service/config/config_testing.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string RegistrationWith(absl::string_view more) {
  return SmallConfigWith("tenants: [contoso.onmicrosoft.com]", more);
}

TEST(ConfigSemantics, NamesAndAddressesAreUnique) {
  const std::string text = SmallConfigWith(
      "    identity: tests\n",
      "    identity: tests\n  - {name: local, address: 127.0.0.1:7, plaintext: {}, identity: b}\n");
  EXPECT_THAT(ErrorsOf(text + "metrics: {address: 127.0.0.1:7}\n"),
              ElementsAre(ErrorAt("listeners[1].name", "listeners[0].name has the same name"),
                          ErrorAt("metrics.address", "listeners[1].address has the same address")));
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("    entra: {}\n", "    entra: {}\n  - {name: entra, entra: {}}\n")),
      ElementsAre(ErrorAt("authorities[1].name", "must be unique")));
}

TEST(ConfigSemantics, TheAuthorityMustBeThere) {
  EXPECT_THAT(ErrorsOf(SmallConfigWith("authority: entra", "authority: other")),
              ElementsAre(ErrorAt("registrations[0].authority", "no authority of this name")));
}

TEST(ConfigSemantics, ABrokenAuthorityIsNotReportedTwice) {
  EXPECT_THAT(ErrorsOf(SmallConfigWith("- name: entra", "- name: Entra")),
              ElementsAre(ErrorAt("authorities[0].name", "must be a name")));
}

TEST(ConfigSemantics, AuthorityUrls) {
  const auto with_url = [](absl::string_view url) {
    return ErrorsOf(SmallConfigWith("entra: {}", absl::StrCat("entra: {base_url: \"", url, "\"}")));
  };
  EXPECT_THAT(with_url("https://127.0.0.1:8443/dev"), IsEmpty());
  EXPECT_THAT(with_url("http://127.0.0.1:8080"), IsEmpty());
  EXPECT_THAT(with_url("http://login.example.com"),
              ElementsAre(ErrorAt("authorities[0].entra.base_url", "http is for loopback")));
  EXPECT_THAT(with_url("https://user:pw@login.example.com"),
              ElementsAre(ErrorAt("authorities[0].entra.base_url", "no user name")));
}

TEST(ConfigSemantics, Regions) {
  EXPECT_THAT(ErrorsOf(SmallConfigWith("entra: {}", "entra: {region: westeurope2}")), IsEmpty());
  for (const char* region : {"West", "west.evil", "west/x", "west-europe"}) {
    EXPECT_THAT(
        ErrorsOf(SmallConfigWith("entra: {}", absl::StrCat("entra: {region: ", region, "}"))),
        ElementsAre(ErrorAt("authorities[0].entra.region", "lower-case letters and digits")))
        << region;
  }
}

TEST(ConfigSemantics, AllowedHosts) {
  std::string text = RegistrationWith("near_cache: 0s");
  absl::StrReplaceAll({{"entra: {}",
                        "oidc: {issuer: \"https://a.example/\", allowed_hosts: [B.example, "
                        "\"*.c.example\", \"https://d.example\", \"e.example:1\"]}"}},
                      &text);
  EXPECT_THAT(ErrorsOf(text),
              ElementsAre(ErrorAt("authorities[0].oidc.allowed_hosts[1]", "host name"),
                          ErrorAt("authorities[0].oidc.allowed_hosts[2]", "host name"),
                          ErrorAt("authorities[0].oidc.allowed_hosts[3]", "host name")));
}

TEST(ConfigSemantics, ATenantsShareOfTheCacheHoldsAtLeastOneToken) {
  const auto errors_of = [](absl::string_view local) {
    return ErrorsOf(SmallConfigAnd(absl::StrCat("cache: {local: {", local, "}}\n")));
  };
  EXPECT_THAT(errors_of("max_size: 1MiB, tenant_share_percent: 1"),
              ElementsAre(ErrorAt("cache.local.tenant_share_percent",
                                  "leaves one tenant less than 64KiB")));
  EXPECT_THAT(errors_of("max_size: 1MiB, tenant_share_percent: 6"), SizeIs(1));
  EXPECT_THAT(errors_of("max_size: 1MiB, tenant_share_percent: 7"), IsEmpty());
  EXPECT_THAT(errors_of("max_size: 6MiB, tenant_share_percent: 1"), SizeIs(1));
  EXPECT_THAT(errors_of("max_size: 7MiB, tenant_share_percent: 1"), IsEmpty());
  EXPECT_THAT(errors_of("max_size: 1MiB"), IsEmpty());
  EXPECT_THAT(errors_of("tenant_share_percent: 1"), IsEmpty());
  // Where one of the two is wrong by itself, that is all there is to say.
  EXPECT_THAT(errors_of("max_size: 1KiB, tenant_share_percent: 1"),
              ElementsAre(ErrorAt("cache.local.max_size", "write 1MiB")));
  EXPECT_THAT(errors_of("max_size: 1MiB, tenant_share_percent: 0"),
              ElementsAre(ErrorAt("cache.local.tenant_share_percent", "write 1 to 100")));
}

TEST(ConfigSemantics, TenantGrammar) {
  EXPECT_TRUE(IsTenant("72f988bf-86f1-41af-91ab-2d7cd011db47"));
  EXPECT_TRUE(IsTenant("contoso.onmicrosoft.com"));
  for (const char* text :
       {"", "contoso", "Contoso.com", "../../x", "evil.example/", "a.b?c", "10.0.0.1", "a..b",
        ".a.b", "a.b.", "72f988bf-86f1-41af-91ab-2d7cd011db4", "a.b c", "*"}) {
    EXPECT_FALSE(IsTenant(text)) << text;
  }
}

TEST(ConfigSemantics, TenantsAreBroughtToLowerCase) {
  const auto config =
      ParseConfig(RegistrationWith("tenants: [Contoso.COM, 72F988BF-86F1-41AF-91AB-2D7CD011DB47]\n"
                                   "    default_tenant: CONTOSO.com"));
  ASSERT_TRUE(config.ok()) << FormatConfigErrors("f", config.error());
  EXPECT_THAT(config->registrations(0).tenants(),
              ElementsAre("contoso.com", "72f988bf-86f1-41af-91ab-2d7cd011db47"));
  EXPECT_EQ(config->registrations(0).default_tenant(), "contoso.com");
}

TEST(ConfigSemantics, Tenants) {
  for (const char* tenant : {"common", "Organizations", "consumers"}) {
    EXPECT_THAT(ErrorsOf(RegistrationWith(absl::StrCat("tenants: [", tenant, "]"))),
                ElementsAre(ErrorAt("registrations[0].tenants[0]", "names no single tenant")))
        << tenant;
  }
  EXPECT_THAT(ErrorsOf(RegistrationWith("near_cache: 0s")),
              ElementsAre(ErrorAt("registrations[0].tenants", "is missing or empty")));
  EXPECT_THAT(ErrorsOf(RegistrationWith("tenants: []")),
              ElementsAre(ErrorAt("registrations[0].tenants", "is missing or empty")));
  EXPECT_THAT(ErrorsOf(RegistrationWith("tenants: [\"*\"]")), IsEmpty());
  EXPECT_THAT(ErrorsOf(RegistrationWith("tenants: [a.com, \"*\"]")),
              ElementsAre(ErrorAt("registrations[0].tenants[1]", "write it alone")));
  EXPECT_THAT(ErrorsOf(RegistrationWith("tenants: [a.com, A.com]")),
              ElementsAre(ErrorAt("registrations[0].tenants[1]", "in the list already")));
}

TEST(ConfigSemantics, TheDefaultTenantIsOneOfTheTenants) {
  EXPECT_THAT(ErrorsOf(RegistrationWith("tenants: [a.com]\n    default_tenant: b.com")),
              ElementsAre(ErrorAt("registrations[0].default_tenant", "must be one of tenants")));
  EXPECT_THAT(ErrorsOf(RegistrationWith("tenants: [\"*\"]\n    default_tenant: b.com")), IsEmpty());
  EXPECT_THAT(ErrorsOf(RegistrationWith("tenants: [\"*\"]\n    default_tenant: \"*\"")),
              ElementsAre(ErrorAt("registrations[0].default_tenant", "GUID or its domain")));
}

TEST(ConfigSemantics, OidcHasNoTenants) {
  std::string text = RegistrationWith("tenants: [a.com]\n    client_capabilities: [cp1]");
  absl::StrReplaceAll({{"entra: {}", "oidc: {issuer: \"https://a.example\"}"}}, &text);
  EXPECT_THAT(
      ErrorsOf(text),
      ElementsAre(ErrorAt("registrations[0].tenants", "Entra authorities only"),
                  ErrorAt("registrations[0].client_capabilities", "Entra authorities only")));
}

std::vector<ConfigError> ErrorsOfKind(absl::string_view kind) {
  std::string text = RegistrationWith("near_cache: 0s");
  absl::StrReplaceAll({{"entra: {}", kind}}, &text);
  return ErrorsOf(text);
}

TEST(ConfigSemantics, AdFs) {
  EXPECT_THAT(ErrorsOfKind("adfs: {base_url: \"https://fs.example\"}"), IsEmpty());
  EXPECT_THAT(ErrorsOfKind("adfs: {base_url: \"https://fs.example/adfs/\"}"), IsEmpty());
  EXPECT_THAT(ErrorsOfKind("adfs: {base_url: \"https://fs.example/other\"}"),
              ElementsAre(ErrorAt("authorities[0].adfs.base_url", "without a path")));
  EXPECT_THAT(ErrorsOfKind("adfs: {}"),
              ElementsAre(ErrorAt("authorities[0].adfs.base_url", "missing")));
}

TEST(ConfigSemantics, B2c) {
  EXPECT_THAT(ErrorsOfKind("b2c: {tenant: Contoso.onmicrosoft.com, policy: B2C_1_a}"), IsEmpty());
  EXPECT_THAT(
      ErrorsOfKind("b2c: {tenant: contoso.com, policy: p, base_url: \"https://id.contoso.com\"}"),
      IsEmpty());
  EXPECT_THAT(ErrorsOfKind("b2c: {tenant: contoso.com, policy: p}"),
              ElementsAre(ErrorAt("authorities[0].b2c.tenant", "names no b2clogin.com host")));
  EXPECT_THAT(ErrorsOfKind("b2c: {tenant: \"../x\", policy: \"a/b\"}"),
              ElementsAre(ErrorAt("authorities[0].b2c.tenant", "GUID or its domain"),
                          ErrorAt("authorities[0].b2c.policy", "letters, digits")));
  EXPECT_THAT(ErrorsOfKind("b2c: {tenant: contoso.com, policy: p, base_url: "
                           "\"https://id.contoso.com/x\"}"),
              ElementsAre(ErrorAt("authorities[0].b2c.base_url", "without tenant, policy")));
}

TEST(ConfigSemantics, Ciam) {
  EXPECT_THAT(ErrorsOfKind("ciam: {subdomain: Contoso}"), IsEmpty());
  EXPECT_THAT(ErrorsOfKind("ciam: {subdomain: contoso, tenant: contoso.com}"), IsEmpty());
  EXPECT_THAT(ErrorsOfKind("ciam: {base_url: \"https://id.contoso.com\", tenant: contoso.com}"),
              IsEmpty());
  EXPECT_THAT(ErrorsOfKind("ciam: {base_url: \"https://id.contoso.com\"}"),
              ElementsAre(ErrorAt("authorities[0].ciam.base_url", "needs the tenant")));
  EXPECT_THAT(ErrorsOfKind("ciam: {subdomain: contoso.ciamlogin.com, tenant: common}"),
              ElementsAre(ErrorAt("authorities[0].ciam.subdomain", "first part"),
                          ErrorAt("authorities[0].ciam.tenant", "GUID or its domain")));
}

TEST(ConfigSemantics, MutualTlsIsForOidc) {
  const auto errors = [](absl::string_view kind, absl::string_view tenants) {
    std::string text = SmallConfigWith("secret:\n          value: env:ORDERS_SECRET",
                                       "mutual_tls:\n          certificate_file: a.pem\n"
                                       "          private_key_file: a.key");
    absl::StrReplaceAll({{"entra: {}", kind}, {"tenants: [contoso.onmicrosoft.com]", tenants}},
                        &text);
    return ErrorsOf(text);
  };
  EXPECT_THAT(errors("oidc: {issuer: \"https://a.example\"}", "near_cache: 0s"), IsEmpty());
  EXPECT_THAT(errors("entra: {}", "tenants: [a.com]"),
              ElementsAre(ErrorAt("registrations[0].credentials[0].mutual_tls", "oidc")));
  EXPECT_THAT(errors("adfs: {base_url: \"https://fs.example\"}", "near_cache: 0s"),
              ElementsAre(ErrorAt("registrations[0].credentials[0].mutual_tls", "oidc")));
}

std::vector<ConfigError> ErrorsOfIdentity(absl::string_view keys,
                                          absl::string_view authority = "entra: {}") {
  std::string text = SmallConfigWith("secret:\n          value: env:ORDERS_SECRET",
                                     absl::StrCat("managed_identity: {", keys, "}"));
  if (authority != "entra: {}") {
    absl::StrReplaceAll(
        {{"entra: {}", authority}, {"    tenants: [contoso.onmicrosoft.com]\n", ""}}, &text);
  }
  return ErrorsOf(text);
}

TEST(ConfigSemantics, ManagedIdentities) {
  constexpr char kGuid[] = "c1a9e0c4-0000-4000-8000-000000000001";
  for (const std::string& keys :
       {std::string("source: IMDS"), absl::StrCat("source: IMDS, client_id: ", kGuid),
        absl::StrCat("source: APP_SERVICE, object_id: ", kGuid),
        std::string("source: IMDS, resource_id: /subscriptions/a/b"),
        std::string("source: APP_SERVICE, endpoint: \"env:E\", identity_header: \"env:H\""),
        std::string("source: AZURE_ARC, key_directory: /tmp/keys"),
        std::string(
            "source: IMDS, endpoint: \"http://127.0.0.1:1/token\", audience: \"api://a\"")}) {
    EXPECT_THAT(ErrorsOfIdentity(keys), IsEmpty()) << keys;
  }
}

TEST(ConfigSemantics, AManagedIdentityHasWhatItsSourceHas) {
  const std::string path = "registrations[0].credentials[0].managed_identity";
  const auto one = [&](absl::string_view keys, absl::string_view at, absl::string_view message) {
    EXPECT_THAT(ErrorsOfIdentity(keys),
                ElementsAre(ErrorAt(absl::StrCat(path, at), std::string(message))))
        << keys;
  };
  one("audience: \"api://a\"", ".source", "is missing");
  one("source: imds", ".source", "IMDS, APP_SERVICE, AZURE_ARC");
  one("source: IMDS, client_id: mine", ".client_id", "GUID");
  one("source: IMDS, object_id: mine", ".object_id", "GUID");
  one("source: IMDS, resource_id: mine", ".resource_id", "/subscriptions/");
  one("source: IMDS, audience: \"a b\"", ".audience", "visible ASCII");
  one("source: IMDS, endpoint: \"https://169.254.169.254/\"", ".endpoint", "starts with http://");
  one("source: IMDS, endpoint: \"http://evil.example/\"", ".endpoint", "link-local");
  one("source: IMDS, endpoint: \"env:1\"", ".endpoint", "name of a variable");
  one("source: IMDS, identity_header: \"env:H\"", ".identity_header", "APP_SERVICE only");
  one("source: IMDS, key_directory: /keys", ".key_directory", "AZURE_ARC only");
  one("source: AZURE_ARC, resource_id: /subscriptions/a", ".source", "machine's own identity");
}

TEST(ConfigSemantics, TheAudienceOfAManagedIdentityIsUsualForEntraOnly) {
  constexpr char kOidc[] = "oidc: {issuer: \"https://a.example\"}";
  EXPECT_THAT(ErrorsOfIdentity("source: IMDS", kOidc),
              ElementsAre(ErrorAt("registrations[0].credentials[0].managed_identity.audience",
                                  "is missing")));
  EXPECT_THAT(ErrorsOfIdentity("source: IMDS, audience: \"api://a\"", kOidc), IsEmpty());
}

std::string MachineConfig(absl::string_view identity, absl::string_view registration) {
  return absl::StrCat(
      "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests}]\n"
      "authorities: [{name: machine, managed_identity: {",
      identity, "}}]\nregistrations: [{name: a, authority: machine", registration,
      "}]\npolicy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], grants: [\"*\"], "
      "scopes: [\"*\"]}]}\n");
}

TEST(ConfigSemantics, AManagedIdentityIsItsOwnClient) {
  EXPECT_THAT(ErrorsOf(MachineConfig("source: IMDS", "")), IsEmpty());
  EXPECT_THAT(ErrorsOf(MachineConfig("source: IMDS, audience: \"api://a\"", "")),
              ElementsAre(ErrorAt("authorities[0].managed_identity.audience", "for credentials")));
  EXPECT_THAT(ErrorsOf(MachineConfig("source: IMDS, client_id: mine", "")),
              ElementsAre(ErrorAt("authorities[0].managed_identity.client_id", "GUID")));
  EXPECT_THAT(ErrorsOf(MachineConfig("source: IMDS",
                                     ", client_id: a, credentials: [{secret: {value: \"env:A\"}}], "
                                     "extra_parameters: [b], client_claims: allowed")),
              ElementsAre(ErrorAt("registrations[0].client_id", "no meaning"),
                          ErrorAt("registrations[0].credentials", "no meaning"),
                          ErrorAt("registrations[0].extra_parameters", "no meaning"),
                          ErrorAt("registrations[0].client_claims", "no meaning")));
  EXPECT_THAT(ErrorsOf(MachineConfig("source: IMDS", ", tenants: [a.com]")),
              ElementsAre(ErrorAt("registrations[0].tenants", "Entra authorities only")));
}

TEST(ConfigSemantics, OtherAuthoritiesNeedAClient) {
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("    client_id: c1a9e0c4-0000-4000-8000-000000000001\n", "")),
      ElementsAre(ErrorAt("registrations[0].client_id", "is missing")));
  EXPECT_THAT(ErrorsOf(SmallConfigWith(
                  "    credentials:\n      - secret:\n          value: env:ORDERS_SECRET\n", "")),
              ElementsAre(ErrorAt("registrations[0].credentials", "is missing")));
}

TEST(ConfigSemantics, OnlyEntraHasTenants) {
  for (const char* kind :
       {"adfs: {base_url: \"https://fs.example\"}",
        "b2c: {tenant: contoso.onmicrosoft.com, policy: p}", "ciam: {subdomain: contoso}"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigWith("entra: {}", kind)),
                ElementsAre(ErrorAt("registrations[0].tenants", "Entra authorities only")))
        << kind;
  }
}

TEST(ConfigSemantics, ExtraParametersCannotReplaceWhatTheServiceSets) {
  EXPECT_THAT(ErrorsOf(RegistrationWith("tenants: [a.com]\n    extra_parameters: [slice, "
                                        "grant_type, Client_ID, \"a=b\", slice]")),
              ElementsAre(ErrorAt("registrations[0].extra_parameters[1]", "set by the service"),
                          ErrorAt("registrations[0].extra_parameters[2]", "set by the service"),
                          ErrorAt("registrations[0].extra_parameters[3]", "letters, digits"),
                          ErrorAt("registrations[0].extra_parameters[4]", "in the list already")));
}

TEST(ConfigSemantics, TheDefaultDeadlineFitsTheLongest) {
  EXPECT_THAT(
      ErrorsOf(SmallConfigAnd("limits: {max_deadline: 5s}\n")),
      ElementsAre(ErrorAt("limits.default_deadline", "must not be longer than max_deadline")));
}

}  // namespace
}  // namespace tokensvc
