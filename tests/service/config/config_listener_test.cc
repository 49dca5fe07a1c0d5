// SPDX-License-Identifier: Apache-2.0
// Where the service may listen, how callers may be known there, and who may sign their JWTs.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/service/config/config_testing.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kPlaintext[] = "plaintext: {}";
constexpr char kTls[] = "tls: {certificate_file: a, private_key_file: b}";
constexpr char kMutualTls[] = "tls: {certificate_file: a, private_key_file: b, client_ca_file: c}";
constexpr char kSocket[] = "unix_socket: {path: /run/a.sock}";
constexpr char kIdentity[] = "identity: tests";
constexpr char kCertificates[] = "client_certificates: {}";
constexpr char kJwt[] = "jwt: {issuers: [main]}";
constexpr char kLoopback[] = "127.0.0.1:0";
constexpr char kAnywhere[] = "0.0.0.0:1";
constexpr char kIssuer[] =
    "jwt_issuers: [{name: main, issuer: \"https://a.example\", audiences: [tokensvc]}]\n";

/// Errors of a configuration with one listener. An empty address is left out.
std::vector<ConfigError> ErrorsOfListener(absl::string_view address, absl::string_view transport,
                                          absl::string_view callers, absl::string_view more = "") {
  const std::string listener = absl::StrCat(
      "  - name: local\n", address.empty() ? "" : absl::StrCat("    address: \"", address, "\"\n"),
      "    ", transport, "\n    ", callers, "\n",
      more.empty() ? "" : absl::StrCat("    ", more, "\n"));
  return ErrorsOf(SmallConfigWith("  - name: local\n    address: 127.0.0.1:0\n    plaintext: {}\n"
                                  "    identity: tests\n",
                                  listener) +
                  kIssuer);
}

/// Errors of a configuration with one entry of `jwt_issuers`, of these keys and a name.
std::vector<ConfigError> ErrorsOfIssuer(absl::string_view keys) {
  return ErrorsOf(SmallConfigAnd(absl::StrCat("jwt_issuers: [{name: main, ", keys, "}]\n")));
}
constexpr char kAudience[] = ", audiences: [tokensvc]";

TEST(ConfigListener, EveryCombinationOfAddressTransportAndCallersIsTakenExactlyWhereItIsSafe) {
  struct Row {
    const char* address;
    const char* transport;
    const char* callers;
    const char* error;  // Where; empty: none.
  };
  const Row rows[] = {
      {kLoopback, kPlaintext, kIdentity, ""},
      {kLoopback, kPlaintext, kCertificates, "listeners[0].client_certificates"},
      {kLoopback, kPlaintext, kJwt, ""},
      {kLoopback, kTls, kIdentity, ""},
      {kLoopback, kTls, kCertificates, "listeners[0].client_certificates"},
      {kLoopback, kTls, kJwt, ""},
      {kLoopback, kMutualTls, kIdentity, ""},
      {kLoopback, kMutualTls, kCertificates, ""},
      {kLoopback, kMutualTls, kJwt, ""},
      {"", kSocket, kIdentity, ""},
      {"", kSocket, kCertificates, "listeners[0].client_certificates"},
      {"", kSocket, kJwt, ""},
      {kAnywhere, kPlaintext, kJwt, "listeners[0].plaintext"},
      {kAnywhere, kTls, kIdentity, "listeners[0].identity"},
      {kAnywhere, kTls, kCertificates, "listeners[0].client_certificates"},
      {kAnywhere, kTls, kJwt, "listeners[0].jwt"},
      {kAnywhere, kMutualTls, kIdentity, "listeners[0].identity"},
      {kAnywhere, kMutualTls, kCertificates, ""},
      {kAnywhere, kMutualTls, kJwt, ""},
      {kLoopback, kSocket, kIdentity, "listeners[0].address"},
      {"", kPlaintext, kIdentity, "listeners[0].address"},
      {"", kMutualTls, kCertificates, "listeners[0].address"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(absl::StrCat(row.address, " ", row.transport, " ", row.callers));
    const auto errors = ErrorsOfListener(row.address, row.transport, row.callers);
    if (*row.error == '\0') {
      EXPECT_THAT(errors, IsEmpty());
    } else if (row.address == kAnywhere && row.transport == kPlaintext) {
      EXPECT_THAT(errors, UnorderedElementsAre(ErrorAt(row.error, "Write tls instead"),
                                               ErrorAt("listeners[0].jwt", "strangers")));
    } else {
      EXPECT_THAT(errors, ElementsAre(ErrorAt(row.error, "")));
    }
  }
}

TEST(ConfigListener, LoopbackIsKnownInAllItsSpellings) {
  for (const char* address : {"127.0.0.2:1", "[::1]:1", "localhost:1"}) {
    EXPECT_THAT(ErrorsOfListener(address, kPlaintext, kIdentity), IsEmpty()) << address;
  }
  for (const char* address : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1"}) {
    EXPECT_THAT(ErrorsOfListener(address, kTls, kIdentity),
                ElementsAre(ErrorAt("listeners[0].identity", "one caller")))
        << address;
  }
}

TEST(ConfigListener, StrangersAreKeptOffBeforeTheirHeadersAreReadOrTheRiskIsAccepted) {
  constexpr char kAccept[] = "unauthenticated_peers: accept_risk";
  EXPECT_THAT(
      ErrorsOfListener(kAnywhere, kTls, kJwt),
      ElementsAre(ErrorAtPlace("listeners[0].jwt", 5, 5, "unauthenticated_peers: accept_risk")));
  EXPECT_THAT(ErrorsOfListener(kAnywhere, kTls, kJwt, kAccept), IsEmpty());
  EXPECT_THAT(ErrorsOfListener(kAnywhere, kMutualTls, kJwt, "unauthenticated_peers: refuse"),
              IsEmpty());
}

TEST(ConfigListener, AcceptingTheRiskMakesNothingElseSafe) {
  constexpr char kAccept[] = "unauthenticated_peers: accept_risk";
  EXPECT_THAT(ErrorsOfListener(kAnywhere, kPlaintext, kJwt, kAccept),
              ElementsAre(ErrorAt("listeners[0].plaintext", "loopback addresses only")));
  EXPECT_THAT(ErrorsOfListener(kAnywhere, kTls, kIdentity, kAccept),
              ElementsAre(ErrorAt("listeners[0].identity", "one caller")));
  EXPECT_THAT(ErrorsOfListener(kAnywhere, kTls, kCertificates, kAccept),
              ElementsAre(ErrorAt("listeners[0].client_certificates", "client_ca_file")));
}

TEST(ConfigListener, SaysHowCallersAreKnownExactlyOnce) {
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("    identity: tests\n", "")),
      ElementsAre(ErrorAt("listeners[0]",
                          "one of the keys identity, client_certificates or jwt is missing")));
  EXPECT_THAT(ErrorsOfListener(kLoopback, kPlaintext, kIdentity, kJwt),
              ElementsAre(ErrorAt("listeners[0].jwt", "cannot stand beside identity")));
  for (const char* name : {"Tests", "a/b", "\"*\""}) {
    EXPECT_THAT(ErrorsOfListener(kLoopback, kPlaintext, absl::StrCat("identity: ", name)),
                ElementsAre(ErrorAt("listeners[0].identity", "must be a name")))
        << name;
  }
}

TEST(ConfigListener, SocketsHaveAPathOfTheirOwnThatFits) {
  const auto errors_of = [](std::size_t length) {
    return ErrorsOfListener(
        "", absl::StrCat("unix_socket: {path: /", std::string(length - 1, 'a'), "}"), kIdentity);
  };
  EXPECT_THAT(errors_of(107), IsEmpty());
  EXPECT_THAT(errors_of(108), ElementsAre(ErrorAt("listeners[0].unix_socket.path", "107 bytes")));
  EXPECT_THAT(ErrorsOfListener("", "unix_socket: {}", kIdentity),
              ElementsAre(ErrorAt("listeners[0].unix_socket.path", "is missing")));
  EXPECT_THAT(ErrorsOfListener("", "unix_socket: {path: /a, access: everyone}", kIdentity),
              ElementsAre(ErrorAt("listeners[0].unix_socket.access", "owner, group")));
  EXPECT_THAT(ErrorsOf(SmallConfigWith(
                  "    identity: tests\n",
                  "    identity: tests\n  - {name: a, unix_socket: {path: /s}, identity: a}\n"
                  "  - {name: b, unix_socket: {path: /s}, identity: b}\n")),
              ElementsAre(ErrorAt("listeners[2].unix_socket.path",
                                  "listeners[1].unix_socket.path has the same path")));
}

TEST(ConfigListener, NamesIssuersThatAreThere) {
  EXPECT_THAT(ErrorsOfListener(kLoopback, kTls, "jwt: {issuers: [main, other]}"),
              ElementsAre(ErrorAt("listeners[0].jwt.issuers[1]", "no entry of jwt_issuers")));
  EXPECT_THAT(ErrorsOfListener(kLoopback, kTls, "jwt: {issuers: []}"),
              ElementsAre(ErrorAt("listeners[0].jwt.issuers", "at least 1 entry")));
  EXPECT_THAT(ErrorsOf(SmallConfigWith("identity: tests", "jwt: {issuers: [main]}") +
                       "jwt_issuers: [{name: Main, issuer: a, audiences: [b], jwks_file: c}]\n"),
              ElementsAre(ErrorAt("jwt_issuers[0].name", "must be a name")))
      << "what is broken is reported once";
}

TEST(ConfigListener, ServesTokensForAnHourUnlessItSaysOtherwise) {
  const auto config = ParseConfig(kSmallConfig);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->listeners(0).serves(), config::v1::SERVES_TOKENS);
  EXPECT_EQ(config->listeners(0).max_connection_age().seconds(), 3600);
  EXPECT_THAT(ErrorsOfListener(kLoopback, kPlaintext, kIdentity, "serves: admin"), IsEmpty());
  EXPECT_THAT(ErrorsOfListener(kLoopback, kPlaintext, kIdentity, "serves: all"),
              ElementsAre(ErrorAt("listeners[0].serves", "tokens, admin")));
  EXPECT_THAT(ErrorsOfListener(kLoopback, kPlaintext, kIdentity, "max_connection_age: 9s"),
              ElementsAre(ErrorAt("listeners[0].max_connection_age", "10s to 720h")));
}

TEST(ConfigJwtIssuer, HasDefaults) {
  const auto config = ParseConfig(SmallConfigAnd(kIssuer));
  ASSERT_TRUE(config.ok());
  EXPECT_TRUE(config->jwt_issuers(0).has_discovery());
  EXPECT_EQ(config->jwt_issuers(0).max_lifetime().seconds(), 24 * 3600);
}

TEST(ConfigJwtIssuer, TakesAListOfAlgorithms) {
  const auto config = ParseConfig(
      SmallConfigAnd("jwt_issuers: [{name: main, issuer: \"https://a.example\", audiences: [t], "
                     "algorithms: [ES256, RS256]}]\n"));
  ASSERT_TRUE(config.ok()) << FormatConfigErrors("config", config.error());
  EXPECT_THAT(
      config->jwt_issuers(0).algorithms(),
      ElementsAre(config::v1::SIGNING_ALGORITHM_ES256, config::v1::SIGNING_ALGORITHM_RS256));
}

TEST(ConfigJwtIssuer, NamesAndIssuersAreUnique) {
  EXPECT_THAT(
      ErrorsOf(SmallConfigAnd("jwt_issuers:\n"
                              "  - {name: a, issuer: x, audiences: [t], jwks_file: k}\n"
                              "  - {name: a, issuer: z, audiences: [t], jwks_file: k}\n"
                              "  - {name: c, issuer: x, audiences: [t], jwks_file: k}\n")),
      ElementsAre(ErrorAt("jwt_issuers[1].name", "jwt_issuers[0].name has the same name"),
                  ErrorAt("jwt_issuers[2].issuer", "jwt_issuers[0].issuer has the same issuer")));
}

TEST(ConfigJwtIssuer, ItsKeysComeFromOnePlace) {
  EXPECT_THAT(ErrorsOfIssuer("issuer: a, audiences: [t], jwks_file: k, jwks_url: "
                             "\"https://a.example\""),
              ElementsAre(ErrorAt("jwt_issuers[0].jwks_url", "cannot stand beside jwks_file")));
  EXPECT_THAT(ErrorsOfIssuer("issuer: a, audiences: [t], jwks_url: \"http://a.example/keys\""),
              ElementsAre(ErrorAt("jwt_issuers[0].jwks_url", "http is for loopback")));
}

TEST(ConfigJwtIssuer, DiscoveryStartsAtAUrl) {
  for (const char* issuer : {"kubernetes", "http://a.example", "https://u:p@a.example"}) {
    EXPECT_THAT(ErrorsOfIssuer(absl::StrCat("issuer: \"", issuer, "\"", kAudience)),
                ElementsAre(ErrorAt("jwt_issuers[0].issuer", "jwks_url or jwks_file")))
        << issuer;
    EXPECT_THAT(ErrorsOfIssuer(absl::StrCat("issuer: \"", issuer, "\", jwks_file: k", kAudience)),
                IsEmpty())
        << issuer;
  }
  EXPECT_THAT(
      ErrorsOfIssuer("issuer: \"https://a.example\", audiences: [t], discovery: {allowed_hosts: "
                     "[Keys.example, \"*.b.example\", \"https://c.example\"]}"),
      ElementsAre(ErrorAt("jwt_issuers[0].discovery.allowed_hosts[1]", "host name"),
                  ErrorAt("jwt_issuers[0].discovery.allowed_hosts[2]", "host name")));
}

TEST(ConfigJwtIssuer, ItsTokensAreForSomebodyAndSignedByAnAlgorithmOfTheList) {
  EXPECT_THAT(ErrorsOfIssuer("issuer: a, jwks_file: k"),
              ElementsAre(ErrorAt("jwt_issuers[0].audiences", "is missing")));
  EXPECT_THAT(ErrorsOfIssuer("issuer: a, jwks_file: k, audiences: [t, \"\"]"),
              ElementsAre(ErrorAt("jwt_issuers[0].audiences[1]", "empty")));
  EXPECT_THAT(ErrorsOfIssuer("issuer: a, jwks_file: k, audiences: [t], algorithms: [RS256, auto]"),
              ElementsAre(ErrorAt("jwt_issuers[0].algorithms[1]", "PS256, RS256 or ES256")));
  for (const char* algorithm : {"none", "HS256", "rs256"}) {
    EXPECT_THAT(ErrorsOfIssuer(absl::StrCat(
                    "issuer: a, jwks_file: k, audiences: [t], algorithms: [", algorithm, "]")),
                ElementsAre(ErrorAt("jwt_issuers[0].algorithms[0]", "PS256")))
        << algorithm;
  }
}

constexpr char kGuid[] = "72f988bf-86f1-41af-91ab-2d7cd011db47";

std::vector<ConfigError> ErrorsOfTemplate(absl::string_view more) {
  return ErrorsOfIssuer(absl::StrCat(
      "issuer: \"https://login.microsoftonline.com/{tenantid}/v2.0\"", kAudience, more));
}

TEST(ConfigJwtIssuer, ATemplateListsItsTenantsOrSaysThatItTakesAll) {
  EXPECT_THAT(ErrorsOfTemplate(""), ElementsAre(ErrorAt("jwt_issuers[0].tenants", "[\"*\"]")));
  EXPECT_THAT(ErrorsOfTemplate(absl::StrCat(", tenants: [", kGuid, "]")), IsEmpty());
  EXPECT_THAT(ErrorsOfTemplate(", tenants: [\"*\"]"), IsEmpty());
  EXPECT_THAT(ErrorsOfTemplate(absl::StrCat(", tenants: [", kGuid, ", \"*\"]")),
              ElementsAre(ErrorAt("jwt_issuers[0].tenants[1]", "stand alone")));
  for (const char* tenant : {"contoso.com", "common", "72f988bf", "\"*.com\"", "\"{tenantid}\""}) {
    EXPECT_THAT(ErrorsOfTemplate(absl::StrCat(", tenants: [", tenant, "]")),
                ElementsAre(ErrorAt("jwt_issuers[0].tenants[0]", "GUID")))
        << tenant;
  }
}

TEST(ConfigJwtIssuer, TenantsAreComparedAsTokensWriteThem) {
  const auto config = ParseConfig(SmallConfigAnd(
      "jwt_issuers: [{name: main, issuer: \"https://a.example/{tenantid}\", audiences: [t], "
      "tenants: [72F988BF-86F1-41AF-91AB-2D7CD011DB47]}]\n"));
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(config->jwt_issuers(0).tenants(), ElementsAre(kGuid));
}

TEST(ConfigJwtIssuer, OnlyATemplateHasTenantsAndItHasOnePlaceForThem) {
  EXPECT_THAT(ErrorsOfIssuer(
                  absl::StrCat("issuer: \"https://a.example\", tenants: [", kGuid, "]", kAudience)),
              ElementsAre(ErrorAt("jwt_issuers[0].tenants", "{tenantid} only")));
  EXPECT_THAT(ErrorsOfIssuer(absl::StrCat("issuer: \"https://a.example/{tenantid}/{tenantid}\", "
                                          "tenants: [\"*\"]",
                                          kAudience)),
              ElementsAre(ErrorAt("jwt_issuers[0].issuer", "one {tenantid} only")));
}

}  // namespace
}  // namespace tokensvc
