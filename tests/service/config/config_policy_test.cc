// SPDX-License-Identifier: Apache-2.0
// The policy in the configuration, and in a file of its own.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/access/compiled_policy.h"
#include "service/config/policy_config.h"
#include "service/config/yaml_tree.h"
#include "tests/service/config/config_testing.h"
#include "tests/service/config/temp_files.h"

namespace tokensvc {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kRule[] =
    "{name: all, callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], grants: [\"*\"], "
    "scopes: [\"*\"]}";

/// `kSmallConfig` with another policy: what stands at its end, from `policy:` on.
std::string ConfigWith(absl::string_view policy) {
  std::string text = kSmallConfig;
  text.resize(text.find("policy:\n"));
  return absl::StrCat(text, policy);
}

/// `count` rules, each for a caller of its own.
std::string ManyRules(int count) {
  std::string text = "rules:\n";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&text, "  - {name: rule-", i, ", callers: [\"spiffe://prod.example/ns/team-", i,
                    "/*\"], registrations: [orders], tenants: [contoso.onmicrosoft.com], grants: "
                    "[client_credentials], scopes: [\"https://graph.microsoft.com/.default\"]}\n");
  }
  return text;
}

TEST(ConfigPolicy, IsRequiredAndTheErrorShowsTheSmallestOne) {
  const auto errors = ErrorsOf(ConfigWith(""));
  EXPECT_THAT(errors, ElementsAre(ErrorAt("policy", "without one nobody gets a token")));
  // What the message shows is right as it stands.
  const std::string& message = errors[0].message;
  const std::size_t from = message.find("policy: {");
  ASSERT_NE(from, std::string::npos);
  const std::string shown = message.substr(from, message.find("};", from) + 1 - from);
  EXPECT_THAT(ErrorsOf(ConfigWith(shown + "\n")), IsEmpty()) << shown;
}

TEST(ConfigPolicy, AnEmptyOneIsTakenAndDeniesEverything) {
  EXPECT_THAT(ErrorsOf(ConfigWith("policy: {}\n")), IsEmpty());
}

TEST(ConfigPolicy, StandsInOnePlace) {
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("policy_file: policy.yaml\n")),
              ElementsAre(ErrorAtPlace("policy_file", 20, 1, "write one of the two")));
}

TEST(ConfigPolicy, MistakesHaveTheirPlaces) {
  EXPECT_THAT(
      ErrorsOf(ConfigWith("policy:\n"
                          "  groups:\n"
                          "    - {name: team, callers: [nobody]}\n"
                          "  rules:\n"
                          "    - name: one\n"
                          "      callers: [\"group:other\", \"group:team\"]\n"
                          "      registrations: [order]\n"
                          "      tenants: [common]\n"
                          "      grants: [password]\n"
                          "      scopes: [\"a*b\"]\n"
                          "  administrators: [\"group:other\"]\n"
                          "  observers: [me]\n")),
      ElementsAre(
          ErrorAtPlace("policy.groups[0].callers[0]", 19, 30, "begins with spiffe://"),
          ErrorAtPlace("policy.rules[0].callers[0]", 22, 17, "names no group of this policy"),
          ErrorAtPlace("policy.rules[0].registrations[0]", 23, 23, "names no registration"),
          ErrorAtPlace("policy.rules[0].tenants[0]", 24, 17, "GUID or a verified domain"),
          ErrorAtPlace("policy.rules[0].grants[0]", 25, 16, "client_credentials"),
          ErrorAtPlace("policy.rules[0].scopes[0]", 26, 16, "* at its end"),
          ErrorAtPlace("policy.administrators[0]", 27, 20, "names no group of this policy"),
          ErrorAtPlace("policy.observers[0]", 28, 15, "begins with spiffe://")));
}

TEST(ConfigPolicy, RulesSayAllOfWhomWhatAndHow) {
  for (const char* key : {"name", "callers", "registrations", "grants", "scopes"}) {
    std::string rule = kRule;
    const std::size_t at = rule.find(absl::StrCat(key, ":"));
    const std::size_t comma = rule.find(", ", at);
    rule.erase(at, comma == std::string::npos ? rule.size() - 1 - at : comma + 2 - at);
    EXPECT_THAT(ErrorsOf(ConfigWith(absl::StrCat("policy: {rules: [", rule, "]}\n"))),
                ElementsAre(ErrorAt(absl::StrCat("policy.rules[0].", key), "is missing")))
        << rule;
  }
}

TEST(ConfigPolicy, TenantsAreNeededWhereARegistrationHasThemAndComparedWithoutCase) {
  EXPECT_THAT(ErrorsOf(ConfigWith("policy: {rules: [{name: a, callers: [\"*\"], registrations: "
                                  "[orders], grants: [\"*\"], scopes: [\"*\"]}]}\n")),
              ElementsAre(ErrorAt("policy.rules[0].tenants", "is missing")));
  const auto config = ParseConfig(
      ConfigWith("policy: {rules: [{name: a, callers: [\"*\"], registrations: [orders], tenants: "
                 "[Contoso.OnMicrosoft.com], grants: [\"*\"], scopes: [\"*\"]}]}\n"));
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(PolicySpecOf(config->policy()).rules[0].tenants,
              ElementsAre("contoso.onmicrosoft.com"));
}

TEST(ConfigPolicy, ForcedRefreshesAreAllowedAndClientClaimsRefusedUnlessItSaysOtherwise) {
  const auto config = ParseConfig(kSmallConfig);
  ASSERT_TRUE(config.ok());
  const PolicySpec spec = PolicySpecOf(config->policy());
  EXPECT_TRUE(spec.rules[0].force_refresh);
  EXPECT_FALSE(spec.rules[0].client_claims);
}

TEST(ConfigPolicy, ABrokenRegistrationIsNotReportedTwice) {
  std::string text = SmallConfigWith("name: orders", "name: Orders");
  absl::StrReplaceAll({{"registrations: [\"*\"]", "registrations: [orders]"}}, &text);
  EXPECT_THAT(ErrorsOf(text), ElementsAre(ErrorAt("registrations[0].name", "must be a name")));
}

class ConfigPolicyFile : public ::testing::Test {
 protected:
  ConfigPolicyFile() {
    folder_.Write("secret", "s");
    std::string text = ConfigWith("policy_file: policy.yaml\n");
    absl::StrReplaceAll({{"env:ORDERS_SECRET", "file:secret"}}, &text);
    path_ = folder_.Write("tokensvc.yaml", text);
  }

  ConfigResult Load(absl::string_view policy) {
    folder_.Write("policy.yaml", std::string(policy));
    return LoadConfig(path_);
  }
  std::vector<ConfigError> ErrorsOfFile(absl::string_view policy) {
    ConfigResult result = Load(policy);
    return result.ok() ? std::vector<ConfigError>() : result.error();
  }

  TempFolder folder_;
  std::string path_;
};

TEST_F(ConfigPolicyFile, ComesBackAsThePolicy) {
  const ConfigResult config = Load(absl::StrCat("rules: [", kRule, "]\n"));
  ASSERT_TRUE(config.ok()) << FormatConfigErrors("f", config.error());
  ASSERT_EQ(config->policy().rules_size(), 1);
  EXPECT_EQ(config->policy().rules(0).name(), "all");
  EXPECT_EQ(config->policy().rules(0).force_refresh(), config::v1::PERMISSION_ALLOWED);
  EXPECT_EQ(config->policy_file(), folder_.Path("policy.yaml"));
}

TEST_F(ConfigPolicyFile, MistakesAreOneErrorAtTheKeyWithTheirPlacesInTheFile) {
  const auto errors = ErrorsOfFile(
      "rules:\n"
      "  - name: one\n"
      "    callers: [\"group:c4nary\"]\n"
      "    registration: [orders]\n"
      "    registrations: [c4nary]\n"
      "    tenants: [\"*\"]\n"
      "    grants: [\"*\"]\n"
      "    scopes: [\"*\"]\n"
      "    force_refresh: c4nary\n");
  ASSERT_THAT(errors, ElementsAre(ErrorAtPlace("policy_file", 17, 1, "has mistakes")));
  EXPECT_THAT(
      errors[0].message,
      AllOf(HasSubstr("line 3, column 15: rules[0].callers[0]: names no group of this policy"),
            HasSubstr("line 4, column 5: rules[0].registration: is not a known key"),
            HasSubstr("line 5, column 21: rules[0].registrations[0]: names no registration"),
            HasSubstr("line 9, column 20: rules[0].force_refresh: ")));
  EXPECT_THAT(errors[0].message, Not(HasSubstr("c4nary")));
}

TEST_F(ConfigPolicyFile, WhatIsNoYamlOrNoMapIsAMistakeToo) {
  EXPECT_THAT(ErrorsOfFile("rules: [\n"), ElementsAre(ErrorAt("policy_file", "not valid YAML")));
  EXPECT_THAT(ErrorsOfFile(""), ElementsAre(ErrorAt("policy_file", "is empty")));
  EXPECT_THAT(ErrorsOfFile("- a\n"), ElementsAre(ErrorAt("policy_file", "must be a map")));
}

TEST_F(ConfigPolicyFile, MustBeThere) {
  ConfigResult result = LoadConfig(path_);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error(), ElementsAre(ErrorAtPlace("policy_file", 17, 1, "no such file")));
  std::filesystem::create_directory(folder_.Path("policy.yaml"));
  result = LoadConfig(path_);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error(), ElementsAre(ErrorAt("policy_file", "not a regular file")));
}

TEST_F(ConfigPolicyFile, TenThousandRulesLoadAndCompile) {
  const ConfigResult config = Load(ManyRules(10'000));
  ASSERT_TRUE(config.ok()) << FormatConfigErrors("f", config.error());
  const auto policy =
      CompiledPolicy::Compile(PolicySpecOf(config->policy()), KnownRegistrationsOf(*config));
  ASSERT_TRUE(policy.ok());
  AccessRequest request;
  request.registration = "orders";
  request.tenant = "contoso.onmicrosoft.com";
  request.grant = "client_credentials";
  request.scopes = "https://graph.microsoft.com/.default";
  EXPECT_EQ((*policy)->Decide({"spiffe://prod.example/ns/team-9999/sa/a"}, request).rule,
            "rule-9999");
  EXPECT_FALSE((*policy)->Decide({"spiffe://prod.example/ns/team-10000/sa/a"}, request).allowed());
}

TEST_F(ConfigPolicyFile, IsBoundedInSize) {
  EXPECT_THAT(ErrorsOfFile(std::string(kPolicyLimits.bytes + 1, '#')),
              ElementsAre(ErrorAt("policy_file", "larger than")));
}

}  // namespace
}  // namespace tokensvc
