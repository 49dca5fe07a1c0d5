// SPDX-License-Identifier: Apache-2.0
// Whole files: the documented example, and what a file refers to.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/config/file_checks.h"
#include "service/config/managed_identity_config.h"
#include "service/jose/jwk_set.h"
#include "tests/service/config/config_testing.h"
#include "tests/service/config/temp_files.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The text of the first block of YAML in a page.
std::string YamlBlock(const std::string& page) {
  const std::string open = "```yaml\n";
  const std::size_t start = page.find(open);
  if (start == std::string::npos) return "";
  const std::size_t end = page.find("```", start + open.size());
  return page.substr(start + open.size(), end - start - open.size());
}

std::string DocumentedExample() {
  std::ifstream file(TOKENSVC_CONFIGURATION_MD);
  return YamlBlock(std::string(std::istreambuf_iterator<char>(file), {}));
}

class ConfigFile : public ::testing::Test {
 protected:
  // A file with one secret, one RSA and one EC certificate, and TLS, all by relative paths.
  std::string WriteEverything() {
    const TestKey rsa = RsaKey(2048);
    const TestKey ec = EcKey("P-256");
    folder_.Write("secret", "s3cret\n");
    folder_.Write("rsa.pem", CertificatePem(rsa), 0644);
    folder_.Write("rsa.key", KeyPem(rsa));
    folder_.Write("ec.pem", CertificatePem(ec) + CertificatePem(rsa), 0644);
    folder_.Write("ec.key", KeyPem(ec));
    return Replace("", "");
  }

  std::string Replace(absl::string_view from, absl::string_view to) {
    std::string text = R"(listeners:
  - {name: local, address: 127.0.0.1:0, tls: {certificate_file: ec.pem, private_key_file: ec.key}, identity: tests}
authorities:
  - {name: entra, entra: {}, ca_file: ec.pem}
registrations:
  - name: orders
    authority: entra
    client_id: orders
    tenants: ["*"]
    credentials:
      - secret: {value: "file:secret"}
      - certificate: {certificate_file: rsa.pem, private_key_file: rsa.key}
      - certificate: {certificate_file: ec.pem, private_key_file: ec.key, algorithm: ES256}
policy:
  rules:
    - {name: all, callers: ["*"], registrations: ["*"], tenants: ["*"], grants: ["*"], scopes: ["*"]}
)";
    if (!from.empty()) absl::StrReplaceAll({{from, to}}, &text);
    return folder_.Write("config.yaml", text, 0644);
  }

  static std::vector<ConfigError> LoadErrors(const std::string& path) {
    const ConfigResult result = LoadConfig(path);
    return result.ok() ? std::vector<ConfigError>() : result.error();
  }

  TempFolder folder_;
};

TEST_F(ConfigFile, TheDocumentedExampleIsRight) {
  const std::string example = DocumentedExample();
  ASSERT_FALSE(example.empty());
  const ConfigResult result = ParseConfig(example);
  ASSERT_TRUE(result.ok()) << FormatConfigErrors("docs/CONFIGURATION.md", result.error());
  EXPECT_GE(result->listeners_size(), 1);
  EXPECT_GE(result->registrations_size(), 2);
}

TEST_F(ConfigFile, TheDocumentedExampleShowsEveryKey) {
  // A key that is in the schema and not in the example has been forgotten in the page.
  const std::string example = DocumentedExample();
  const std::function<void(const google::protobuf::Descriptor&)> visit =
      [&visit, &example](const google::protobuf::Descriptor& type) {
        for (int i = 0; i < type.field_count(); ++i) {
          EXPECT_THAT(example, HasSubstr(absl::StrCat(type.field(i)->name(), ":")))
              << type.field(i)->full_name();
          const auto* message = type.field(i)->message_type();
          if (message != nullptr &&
              message->file() != google::protobuf::Duration::descriptor()->file())
            visit(*message);
        }
      };
  visit(*config::v1::ServiceConfig::descriptor());
}

TEST_F(ConfigFile, LoadsWhatItRefersToAndResolvesRelativePaths) {
  const ConfigResult result = LoadConfig(WriteEverything());
  ASSERT_TRUE(result.ok()) << FormatConfigErrors("config.yaml", result.error());
  EXPECT_EQ(result->listeners(0).tls().certificate_file(), folder_.Path("ec.pem"));
  EXPECT_EQ(result->registrations(0).credentials(0).secret().value(),
            "file:" + folder_.Path("secret"));
  EXPECT_EQ(result->registrations(0).client_id(), "orders");
}

TEST_F(ConfigFile, ReportsAllMissingFilesAtTheirKeys) {
  WriteEverything();
  std::filesystem::remove(folder_.Path("secret"));
  std::filesystem::remove(folder_.Path("rsa.pem"));
  std::filesystem::remove(folder_.Path("ec.key"));
  EXPECT_THAT(
      LoadErrors(folder_.Path("config.yaml")),
      ElementsAre(
          ErrorAt("listeners[0].tls.private_key_file", "there is no such file"),
          ErrorAtPlace("registrations[0].credentials[0].secret.value", 11, 18,
                       "there is no such file"),
          ErrorAt("registrations[0].credentials[1].certificate.certificate_file", "no such file"),
          ErrorAt("registrations[0].credentials[2].certificate.private_key_file", "no such file")));
}

TEST_F(ConfigFile, ReportsFilesThatHoldSomethingElse) {
  WriteEverything();
  folder_.Write("rsa.pem", "canary");
  folder_.Write("ec.key", "canary");
  folder_.Write("ec.pem", "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(
      LoadErrors(folder_.Path("config.yaml")),
      ElementsAre(
          ErrorAt("listeners[0].tls.certificate_file", "no certificate that can be read"),
          ErrorAt("listeners[0].tls.private_key_file", "no private key that can be read"),
          ErrorAt("authorities[0].ca_file", "must hold certificates"),
          ErrorAt("registrations[0].credentials[1].certificate.certificate_file", "no certificate"),
          ErrorAt("registrations[0].credentials[2].certificate.certificate_file", "no certificate"),
          ErrorAt("registrations[0].credentials[2].certificate.private_key_file",
                  "no private key")));
}

TEST_F(ConfigFile, ChecksThatKeysFitTheirCertificateAndAlgorithm) {
  const TestKey rsa = RsaKey(2048);
  const std::string certificate = folder_.Write("c.pem", CertificatePem(rsa));
  const auto key_message = [&certificate](const std::string& key_file, KeyUse use) {
    const KeyPairStatus status = CheckKeyPair(certificate, key_file, use);
    EXPECT_TRUE(status.certificate.ok());
    return std::string(status.private_key.message());
  };
  const std::string own = folder_.Write("own.key", KeyPem(rsa));
  EXPECT_EQ(key_message(own, KeyUse::kAny), "");
  EXPECT_EQ(key_message(own, KeyUse::kRsa), "");
  EXPECT_THAT(key_message(own, KeyUse::kP256), HasSubstr("needs a key on P-256"));
  const std::string other = folder_.Write("other.key", KeyPem(RsaKey(2048)));
  EXPECT_THAT(key_message(other, KeyUse::kRsa), HasSubstr("does not belong to"));
  const std::string small = folder_.Write("small.key", KeyPem(RsaKey(1024)));
  EXPECT_THAT(key_message(small, KeyUse::kRsa), HasSubstr("at least 2048 bits"));
  const std::string ec = folder_.Write("ec.key", KeyPem(EcKey("P-384")));
  EXPECT_THAT(key_message(ec, KeyUse::kP256), HasSubstr("P-256"));
  EXPECT_THAT(key_message(ec, KeyUse::kRsa), HasSubstr("needs an RSA key"));
  const std::string locked = folder_.Write("locked.key", KeyPem(rsa, "canary"));
  EXPECT_THAT(key_message(locked, KeyUse::kRsa), HasSubstr("is encrypted"));
  const std::string open = folder_.Write("open.key", KeyPem(rsa), 0644);
  EXPECT_THAT(key_message(open, KeyUse::kRsa), HasSubstr("everyone on the machine may read"));
}

TEST_F(ConfigFile, ChecksCaFilesToTheirEnd) {
  const std::string pem = CertificatePem(EcKey("P-256"));
  EXPECT_TRUE(CheckCaFile(folder_.Write("ca", "# a comment\n" + pem + pem)).ok());
  EXPECT_FALSE(CheckCaFile(folder_.Write("ca", "")).ok());
  EXPECT_FALSE(CheckCaFile(folder_.Write("ca", pem + pem.substr(0, pem.size() / 2))).ok());
}

TEST_F(ConfigFile, ChecksAssertionFiles) {
  const auto message = [this](absl::string_view content, mode_t mode = 0600) {
    return std::string(
        CheckAssertionFile(folder_.Write("jwt", std::string(content), mode)).message());
  };
  EXPECT_EQ(message("e30.eyJleHAiOjF9.c2ln\n"), "");  // {"exp":1}: expired, and accepted
  EXPECT_THAT(message("e30.eyJleHAiOjF9.c2ln", 0644), HasSubstr("everyone on the machine"));
  EXPECT_THAT(message("canary"), HasSubstr("three parts"));
  EXPECT_THAT(message("e30.e30.c2ln"), HasSubstr("no exp"));
  EXPECT_THAT(message(std::string((64 << 10) + 1, 'x')), HasSubstr("larger than"));
  EXPECT_THAT(std::string(CheckAssertionFile(folder_.Path("none")).message()),
              HasSubstr("no such file"));
}

TEST_F(ConfigFile, ChecksWhatAnIssuersJwkSetHolds) {
  WriteEverything();
  const std::string path = Replace("policy:",
                                   "jwt_issuers: [{name: a, issuer: a, audiences: [b], jwks_file: "
                                   "keys.json}]\npolicy:");
  const auto expect_error = [&path](const char* message) {
    EXPECT_THAT(LoadErrors(path), ElementsAre(ErrorAt("jwt_issuers[0].jwks_file", message)));
  };
  expect_error("no such file");
  folder_.Write("keys.json", "canary", 0644);
  expect_error("JSON");
  folder_.Write("keys.json", R"({"keys": [{"kty": "oct", "k": "Y2FuYXJ5"}]})", 0644);
  expect_error("key");
  folder_.Write("keys.json", std::string(JwkSet::kMaxBytes + 1, ' '), 0644);
  expect_error("larger than");
  // RFC 7517 appendix A.1, its first key.
  folder_.Write("keys.json",
                R"({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "kid": "1",
                "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]})",
                0644);
  EXPECT_THAT(LoadErrors(path), ::testing::IsEmpty());
}

TEST_F(ConfigFile, AMistakeInTheFileHidesNoneInWhatItRefersTo) {
  WriteEverything();
  folder_.Write("secret", "");
  EXPECT_THAT(LoadErrors(Replace("name: local", "name: Local")),
              ElementsAre(ErrorAt("listeners[0].name", "must be a name"),
                          ErrorAt("registrations[0].credentials[0].secret.value", "empty")));
}

TEST_F(ConfigFile, AFileThatCannotBeReadIsAnErrorWithoutAPlace) {
  EXPECT_THAT(LoadErrors(folder_.Path("none.yaml")),
              ElementsAre(ErrorAtPlace("", 0, 0, "no such file")));
  EXPECT_THAT(LoadErrors(folder_.Path("")),
              ElementsAre(ErrorAtPlace("", 0, 0, "not a regular file")));
  EXPECT_THAT(LoadErrors(folder_.Write("big.yaml", std::string((1 << 20) + 1, '#'))),
              ElementsAre(ErrorAtPlace("", 0, 0, "larger than")));
}

TEST(ManagedIdentityConfig, TheEndpointIsWhereItsSourceHasItOrAVariableSays) {
  config::v1::ManagedIdentity identity;
  identity.set_source(config::v1::MANAGED_IDENTITY_SOURCE_IMDS);
  EXPECT_EQ(*ManagedIdentityEndpoint(identity),
            "http://169.254.169.254/metadata/identity/oauth2/token");
  identity.set_source(config::v1::MANAGED_IDENTITY_SOURCE_AZURE_ARC);
  EXPECT_EQ(*ManagedIdentityEndpoint(identity),
            "http://127.0.0.1:40342/metadata/identity/oauth2/token");
  EXPECT_EQ(ArcKeyDirectory(identity), "/var/opt/azcmagent/tokens");
  identity.set_source(config::v1::MANAGED_IDENTITY_SOURCE_APP_SERVICE);
  ASSERT_EQ(setenv("IDENTITY_ENDPOINT", "http://169.254.129.4:8081/msi/token", 1), 0);
  EXPECT_EQ(*ManagedIdentityEndpoint(identity), "http://169.254.129.4:8081/msi/token");
  EXPECT_EQ(IdentityHeaderReference(identity), "env:IDENTITY_HEADER");

  // A variable is no way around the check.
  ASSERT_EQ(setenv("IDENTITY_ENDPOINT", "http://c4nary.example/", 1), 0);
  const auto refused = ManagedIdentityEndpoint(identity);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()), ::testing::Not(HasSubstr("c4nary")));
  ASSERT_EQ(unsetenv("IDENTITY_ENDPOINT"), 0);
  EXPECT_EQ(ManagedIdentityEndpoint(identity).status().code(), absl::StatusCode::kNotFound);
}

TEST(ManagedIdentityConfig, AnIdentityHeaderIsOneThatAHeaderCanCarry) {
  config::v1::ManagedIdentity identity;
  identity.set_source(config::v1::MANAGED_IDENTITY_SOURCE_APP_SERVICE);
  for (const char* bad :
       {"c4nary\r\nMetadata: no", "c4nary\nx", "c4nary\tx", "c4nary\x7f", "\x01"}) {
    ASSERT_EQ(setenv("IDENTITY_HEADER", bad, 1), 0);
    const absl::Status refused = CheckIdentityHeader(identity);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refused.message()), HasSubstr("control character"));
    EXPECT_THAT(std::string(refused.message()), ::testing::Not(HasSubstr("c4nary")));
  }
  ASSERT_EQ(setenv("IDENTITY_HEADER", "853b9a84-5bfa-4b22", 1), 0);
  EXPECT_TRUE(CheckIdentityHeader(identity).ok());
  ASSERT_EQ(unsetenv("IDENTITY_HEADER"), 0);
  EXPECT_EQ(CheckIdentityHeader(identity).code(), absl::StatusCode::kNotFound);
}

TEST_F(ConfigFile, ChecksTheIdentityHeaderThatAReferenceNames) {
  WriteEverything();
  folder_.Write("secret", "c4nary\r\nx: y\n");
  const std::string config =
      Replace("secret: {value: \"file:secret\"}",
              "managed_identity: {source: APP_SERVICE, endpoint: \"http://127.0.0.1:1/t\", "
              "identity_header: \"file:secret\"}");
  EXPECT_THAT(
      LoadErrors(config),
      ElementsAre(ErrorAt("registrations[0].credentials[0].managed_identity.identity_header",
                          "control character")));
  folder_.Write("secret", "853b9a84-5bfa-4b22\n");
  EXPECT_THAT(LoadErrors(config), ::testing::IsEmpty());
}

TEST(ManagedIdentityConfig, TheAudienceIsThatOfTheCloud) {
  config::v1::ManagedIdentity identity;
  config::v1::Authority authority;
  EXPECT_EQ(AssertionAudience(identity, authority), "api://AzureADTokenExchange");
  authority.mutable_entra()->set_cloud(config::v1::CLOUD_CHINA);
  EXPECT_EQ(AssertionAudience(identity, authority), "api://AzureADTokenExchangeChina");
  authority.mutable_entra()->set_cloud(config::v1::CLOUD_US_GOVERNMENT);
  EXPECT_EQ(AssertionAudience(identity, authority), "api://AzureADTokenExchangeUSGov");
  identity.set_audience("api://mine");
  EXPECT_EQ(AssertionAudience(identity, authority), "api://mine");
}

TEST_F(ConfigFile, TheIdentityHeaderMustBeThere) {
  WriteEverything();
  const std::string path =
      Replace("secret: {value: \"file:secret\"}",
              "managed_identity: {source: APP_SERVICE, endpoint: \"http://127.0.0.1:1/\", "
              "identity_header: \"file:none\"}");
  EXPECT_THAT(
      LoadErrors(path),
      ElementsAre(ErrorAt("registrations[0].credentials[0].managed_identity.identity_header",
                          "there is no such file")));
}

}  // namespace
}  // namespace tokensvc
