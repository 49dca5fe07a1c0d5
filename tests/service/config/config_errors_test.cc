// SPDX-License-Identifier: Apache-2.0
// Mistakes in single keys: types, formats, ranges, unknown and missing ones.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/service/config/config_testing.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(ConfigErrors, TheSmallConfigHasNone) { EXPECT_THAT(ErrorsOf(kSmallConfig), IsEmpty()); }

TEST(ConfigErrors, AreReportedAllAtOnceInTheOrderOfTheFile) {
  std::string text = SmallConfigWith("name: local", "name: Local");
  absl::StrReplaceAll({{"authority: entra", "authorty: entra"}}, &text);
  text += "limits: {max_waiting_calls: \"20\"}\n";
  const auto errors = ErrorsOf(text);
  EXPECT_THAT(
      errors,
      ElementsAre(ErrorAtPlace("listeners[0].name", 2, 11, "must be a name of lower-case"),
                  ErrorAtPlace("registrations[0].authority", 10, 5, "is missing"),
                  ErrorAtPlace("registrations[0].authorty", 11, 5, "did you mean authority?"),
                  ErrorAtPlace("limits.max_waiting_calls", 20, 29, "whole number")));
  EXPECT_EQ(FormatConfigErrors("/etc/tokensvc.yaml", {errors[2]}),
            "/etc/tokensvc.yaml:11:5: registrations[0].authorty: is not a known key: did you mean "
            "authority?\n");
}

TEST(ConfigErrors, APlaceIsLeftOutWhereThereIsNone) {
  EXPECT_EQ(FormatConfigErrors("f", {{"", 0, 0, "there is no such file"}}),
            "f: there is no such file\n");
}

TEST(ConfigErrors, UnknownKeys) {
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("sever: {}\n")),
              ElementsAre(ErrorAtPlace("sever", 20, 1, "did you mean server?")));
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("limits: {max-waiting-calls: 5}\n")),
              ElementsAre(ErrorAt("limits", "did you mean max_waiting_calls?")));
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("log: {colour: red}\n")),
              ElementsAre(ErrorAt("log.colour", "is not a known key: the known ones are level")));
  EXPECT_THAT(ErrorsOf(SmallConfigWith("plaintext: {}", "plaintext: {a: b}")),
              ElementsAre(ErrorAt("listeners[0].plaintext.a", "nothing can be set here")));
}

TEST(ConfigErrors, KeysThatMayBeSecretsAreNotShown) {
  for (const char* key : {"Zq8~canary", "hunter2", "\"pass word\"", "\"\""}) {
    EXPECT_THAT(ErrorsOf(SmallConfigAnd(absl::StrCat(key, ": 1\n"))),
                ElementsAre(ErrorAtPlace("", 20, 1, "there is an unknown key here")))
        << key;
  }
}

TEST(ConfigErrors, MissingKeys) {
  EXPECT_THAT(ErrorsOf("log: {}\n"), UnorderedElementsAre(ErrorAt("listeners", "is missing"),
                                                          ErrorAt("authorities", "is missing"),
                                                          ErrorAt("registrations", "is missing"),
                                                          ErrorAt("policy", "The smallest one")));
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("    plaintext: {}\n", "")),
      ElementsAre(ErrorAtPlace("listeners[0]", 2, 5,
                               "one of the keys tls, plaintext or unix_socket is missing")));
  EXPECT_THAT(ErrorsOf(SmallConfigWith("plaintext: {}", "tls: {}")),
              UnorderedElementsAre(ErrorAt("listeners[0].tls.certificate_file", "is missing"),
                                   ErrorAt("listeners[0].tls.private_key_file", "is missing")));
  EXPECT_THAT(ErrorsOf(SmallConfigWith("entra: {}", "oidc: {}")),
              ElementsAre(ErrorAt("authorities[0].oidc.issuer", "is missing"),
                          ErrorAt("registrations[0].tenants", "Entra authorities only")));
}

TEST(ConfigErrors, EmptyLists) {
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("credentials:\n      - secret:\n          value: env:ORDERS_SECRET",
                               "credentials: []")),
      ElementsAre(ErrorAt("registrations[0].credentials", "at least 1 entry")));
}

TEST(ConfigErrors, BothMembersOfAChoice) {
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("plaintext: {}", "plaintext: {}\n    tls: {}")),
      ElementsAre(ErrorAtPlace(
          "listeners[0].tls", 5, 5,
          "cannot stand beside plaintext (line 4): give one of tls, plaintext or unix_socket")));
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("entra: {}", "entra: {cloud: public, base_url: https://a.example}")),
      ElementsAre(ErrorAt("authorities[0].entra.base_url", "cannot stand beside cloud")));
}

TEST(ConfigErrors, Integers) {
  for (const char* value :
       {"\"20\"", "2e1", "0x10", "010", "1_0", "2.0", "many", "true", "[]", "{}"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigAnd(absl::StrCat("server: {loops: ", value, "}\n"))),
                ElementsAre(ErrorAt("server.loops", "a whole number such as 1, without quotes")))
        << value;
  }
  for (const char* value : {"0", "65", "-1", "4294967297"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigAnd(absl::StrCat("server: {loops: ", value, "}\n"))),
                ElementsAre(ErrorAt("server.loops", "is out of range: write 1 to 64")))
        << value;
  }
}

TEST(ConfigErrors, Booleans) {
  for (const char* value : {"yes", "on", "True", "\"true\"", "1", "[true]"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigWith("plaintext: {}",
                                         absl::StrCat("plaintext: {}\n    health: ", value))),
                ElementsAre(ErrorAt("listeners[0].health", "true or false, without quotes")))
        << value;
  }
}

TEST(ConfigErrors, Durations) {
  for (const char* value : {"20", "\"20\"", "1h30m", "20 s", "-1s", "soon"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigAnd(absl::StrCat("server: {drain_timeout: ", value, "}\n"))),
                ElementsAre(ErrorAt("server.drain_timeout", "a duration such as")))
        << value;
  }
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("server: {drain_timeout: 11m}\n")),
              ElementsAre(ErrorAt("server.drain_timeout", "write 0s to 10m")));
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("server: {drain_timeout: 999999999h}\n")),
              ElementsAre(ErrorAt("server.drain_timeout", "write 0s to 10m")));
}

TEST(ConfigErrors, Sizes) {
  for (const char* value : {"256", "256MB", "1.5GiB", "all"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigAnd(absl::StrCat("cache: {local: {max_size: ", value, "}}\n"))),
                ElementsAre(ErrorAt("cache.local.max_size", "a size such as")))
        << value;
  }
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("cache: {local: {max_size: 1KiB}}\n")),
              ElementsAre(ErrorAt("cache.local.max_size", "write 1MiB to 1024GiB")));
}

TEST(ConfigErrors, Choices) {
  for (const char* value : {"verbose", "INFO", "LOG_LEVEL_INFO", "unspecified", "2", "[info]"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigAnd(absl::StrCat("log: {level: ", value, "}\n"))),
                ElementsAre(ErrorAt("log.level", "one of debug, info, warning, error")))
        << value;
  }
}

TEST(ConfigErrors, TextThatOtherReadersTakeForOtherTypes) {
  for (const char* value : {"12345", "true", "1e3", "2026-01-31"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigWith("client_id: c1a9e0c4-0000-4000-8000-000000000001",
                                         absl::StrCat("client_id: ", value))),
                ElementsAre(ErrorAt("registrations[0].client_id", "put it in quotes")))
        << value;
  }
  EXPECT_THAT(ErrorsOf(SmallConfigWith("client_id: c1a9e0c4-0000-4000-8000-000000000001",
                                       "client_id: \"12345\"")),
              IsEmpty());
}

TEST(ConfigErrors, Text) {
  const auto with_client_id = [](absl::string_view value) {
    return ErrorsOf(SmallConfigWith("client_id: c1a9e0c4-0000-4000-8000-000000000001",
                                    absl::StrCat("client_id: ", value)));
  };
  EXPECT_THAT(with_client_id("\"\""),
              ElementsAre(ErrorAt("registrations[0].client_id", "is empty")));
  EXPECT_THAT(with_client_id("\" a\""),
              ElementsAre(ErrorAt("registrations[0].client_id", "starts or ends with a space")));
  EXPECT_THAT(with_client_id("\"a\\nb\""),
              ElementsAre(ErrorAt("registrations[0].client_id", "control character")));
  EXPECT_THAT(with_client_id(std::string(257, 'a')),
              ElementsAre(ErrorAt("registrations[0].client_id", "longer than 256 bytes")));
  EXPECT_THAT(with_client_id("{a: b}"),
              ElementsAre(ErrorAt("registrations[0].client_id", "must be a single value")));
}

TEST(ConfigErrors, ALiteralSecretIsRefused) {
  for (const char* value :
       {"hunter2", "12345", "\"\"", "\"file:\"", "\"env:\"", "env:A B", "secret:x"}) {
    const auto errors = ErrorsOf(SmallConfigWith("env:ORDERS_SECRET", value));
    ASSERT_EQ(errors.size(), 1u) << value;
    EXPECT_EQ(errors[0].path, "registrations[0].credentials[0].secret.value");
    EXPECT_EQ(errors[0].line, 16);
    EXPECT_EQ(errors[0].column, 18);
  }
}

TEST(ConfigErrors, WrongShapes) {
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("log: [a]\n")), ElementsAre(ErrorAt("log", "must be a map")));
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("log: info\n")),
              ElementsAre(ErrorAt("log", "must be a map")));
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("tenants: [contoso.onmicrosoft.com]", "tenants: contoso.com")),
      ElementsAre(ErrorAt("registrations[0].tenants", "must be a list")));
}

TEST(ConfigErrors, AnEntryThatIsWrongKeepsTheIndexOfTheOthers) {
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("tenants: [contoso.onmicrosoft.com]", "tenants: [1, ~, ../../x]")),
      ElementsAre(ErrorAt("registrations[0].tenants[0]", "put it in quotes"),
                  ErrorAt("registrations[0].tenants[1]", "has no value"),
                  ErrorAt("registrations[0].tenants[2]", "GUID or its domain")));
}

}  // namespace
}  // namespace tokensvc
