// SPDX-License-Identifier: Apache-2.0
#include "service/access/check_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/access/caller_pattern.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> PathsOf(const std::function<void(PolicySpec&)>& change) {
  PolicySpec spec;
  spec.groups = {{"team", {"dns:a"}}};
  PolicyRule rule;
  rule.name = "rule";
  rule.callers = {"group:team"};
  rule.registrations = {"orders"};
  rule.tenants = {"contoso.com"};
  rule.grants = {"client_credentials"};
  rule.scopes = {"scope"};
  spec.rules = {rule, rule};
  spec.rules[1].name = "other";
  change(spec);
  std::vector<std::string> paths;
  for (const PolicyError& error : CheckPolicy(spec, {{"orders", true}, {"plain", false}})) {
    EXPECT_THAT(error.message, Not(IsEmpty()));
    EXPECT_THAT(error.message, Not(HasSubstr("CANARY"))) << error.path;
    paths.push_back(error.path);
  }
  return paths;
}

TEST(CheckPolicyTest, FindsNothingInAGoodPolicy) {
  EXPECT_THAT(PathsOf([](PolicySpec&) {}), IsEmpty());
  EXPECT_THAT(PathsOf([](PolicySpec& spec) { spec = {}; }), IsEmpty());
}

TEST(CheckPolicyTest, FindsEachMistakeWhereItIs) {
  EXPECT_THAT(PathsOf([](PolicySpec& s) { s.rules[1].name = "rule"; }),
              ElementsAre("rules[1].name"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) { s.groups.push_back(s.groups[0]); }),
              ElementsAre("groups[1].name"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) { s.groups[0].callers = {"CANARY"}; }),
              ElementsAre("groups[0].callers[0]"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) { s.groups[0].callers = {"group:team"}; }),
              ElementsAre("groups[0].callers[0]"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) {
                s.rules[0].callers = {"dns:a", "group:CANARY"};
              }),
              ElementsAre("rules[0].callers[1]"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) { s.rules[0].registrations = {"CANARY"}; }),
              ElementsAre("rules[0].registrations[0]"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) {
                s.rules[0].tenants = {"contoso.com", "CANARY.com"};
              }),
              ElementsAre("rules[0].tenants[1]"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) { s.rules[0].grants = {"CANARY"}; }),
              ElementsAre("rules[0].grants[0]"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) {
                s.rules[0].scopes = {"a*b", "a b", ""};
              }),
              ElementsAre("rules[0].scopes[0]", "rules[0].scopes[1]", "rules[0].scopes[2]"));
}

TEST(CheckPolicyTest, ChecksWhoAdministers) {
  EXPECT_THAT(PathsOf([](PolicySpec& s) {
                s.administrators = {"group:team", "group:CANARY"};
                s.observers = {"CANARY"};
              }),
              ElementsAre("administrators[1]", "observers[0]"));
}

TEST(CheckPolicyTest, AStarStandsAlone) {
  EXPECT_THAT(PathsOf([](PolicySpec& s) {
                PolicyRule& rule = s.rules[1];
                rule.callers = {"*", "dns:a"};
                rule.registrations = {"*", "orders"};
                rule.tenants = {"*", "contoso.com"};
                rule.grants = {"client_credentials", "*"};
                rule.scopes = {"*", "a"};
              }),
              ElementsAre("rules[1].callers", "rules[1].registrations", "rules[1].tenants",
                          "rules[1].grants", "rules[1].scopes"));
}

TEST(CheckPolicyTest, TenantsMustBeWrittenWhereARegistrationHasThem) {
  EXPECT_THAT(PathsOf([](PolicySpec& s) { s.rules[0].tenants.clear(); }),
              ElementsAre("rules[0].tenants"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) {
                s.rules[0].tenants.clear();
                s.rules[0].registrations = {"plain"};
              }),
              IsEmpty());
}

TEST(CheckPolicyTest, RefusesAPolicyThatWouldTakeTooMuchMemory) {
  EXPECT_THAT(PathsOf([](PolicySpec& s) {
                s.groups[0].callers.clear();
                for (int i = 0; i < 3000; ++i)
                  s.groups[0].callers.push_back(absl::StrCat("dns:h", i));
                s.rules[0].registrations.assign(700, "orders");
              }),
              ElementsAre("rules"));
  EXPECT_THAT(PathsOf([](PolicySpec& s) { s.rules.resize(kMaxPolicyRules + 1); }),
              ElementsAre("rules"));
}

TEST(CheckPolicyTest, ChecksQuotas) {
  const auto with = [](std::vector<QuotaRule> quotas) {
    return PathsOf([&](PolicySpec& s) { s.quotas = std::move(quotas); });
  };
  EXPECT_THAT(with({{{"dns:a", "group:team"}, {1, 0, 0}}, {{"*"}, {0, 0, 1}}}), IsEmpty());
  EXPECT_THAT(with({{{"group:nobody", "nothing"}, {1, 0, 0}}}),
              ElementsAre("quotas[0].callers[0]", "quotas[0].callers[1]"));
  EXPECT_THAT(with({{{"*", "dns:a"}, {1, 0, 0}}}), ElementsAre("quotas[0].callers"));
  EXPECT_THAT(with({{{"dns:a"}, {}}}), ElementsAre("quotas[0]")) << "limits nothing";
  EXPECT_THAT(with({{{"*"}, {1, 0, 0}}, {{"dns:a"}, {1, 0, 0}}}), ElementsAre("quotas[1]"))
      << "never used";
}

TEST(CallerPatternTest, TakesIdsPrefixesAndSuffixes) {
  for (const char* good :
       {"*", "spiffe://prod.example/ns/a", "spiffe://prod.example/*", "uri:urn:x", "dns:a.b",
        "dns:*.b", "jwt:k8s:system:serviceaccount:ns:name", "jwt:k8s:*", "jwt:*",
        "local:quickstart"}) {
    EXPECT_EQ(CallerPatternMistake(good), "") << good;
  }
}

TEST(CallerPatternTest, RefusesTheRest) {
  const std::string long_id = "dns:" + std::string(kMaxCallerId, 'a');
  for (const std::string& bad :
       {std::string(), std::string("orders"), std::string("spiffe://"), std::string("dns:"),
        std::string("group:team"), std::string("spiffe://prod.example/ns/or*"),
        std::string("dns:a*"), std::string("dns:*a.b"), std::string("dns:*."),
        std::string("dns:*.*.b"), std::string("dns:A.b"), std::string("jwt:k8s:*:name"),
        std::string("local:a b"), std::string("local:a\n"), long_id, std::string("local:\0", 7),
        std::string("local:\xc3\xa4")}) {
    EXPECT_NE(CallerPatternMistake(bad), "") << bad;
  }
}

}  // namespace
}  // namespace tokensvc
