// SPDX-License-Identifier: Apache-2.0
#include "service/config/policy_expectations.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/service/config/config_testing.h"
#include "tests/service/config/temp_files.h"

namespace tokensvc {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// One registration with tenants, one without, and one rule for each.
config::v1::ServiceConfig TestedConfig() {
  const ConfigResult config = ParseConfig(R"(
listeners: [{name: local, address: "127.0.0.1:0", plaintext: {}, identity: tests}]
authorities:
  - {name: entra, entra: {}}
  - {name: corp, oidc: {issuer: "https://id.example"}}
registrations:
  - name: orders
    authority: entra
    client_id: a
    tenants: [contoso.com, fabrikam.com]
    default_tenant: contoso.com
    credentials: [{secret: {value: "env:A"}}]
  - name: billing
    authority: corp
    client_id: b
    client_claims: allowed
    credentials: [{secret: {value: "env:B"}}]
policy:
  groups: [{name: team, callers: ["spiffe://prod.example/ns/orders/*"]}]
  rules:
    - name: orders-graph
      callers: ["group:team"]
      registrations: [orders]
      tenants: ["contoso.com"]
      grants: [client_credentials]
      scopes: ["https://Graph.example/.default"]
      force_refresh: refused
      client_claims: allowed
    - name: billing-read
      callers: ["dns:worker.internal"]
      registrations: [billing]
      grants: ["*"]
      scopes: [Read, Write]
      client_claims: allowed
)");
  EXPECT_TRUE(config.ok()) << FormatConfigErrors("config", config.error());
  return *config;
}

/// What becomes of one expectation, of these keys.
PolicyTestReport OutcomeOf(absl::string_view keys) {
  const auto table = ParsePolicyExpectations(absl::StrCat("expectations: [{", keys, "}]\n"));
  if (!table.ok()) {
    ADD_FAILURE() << FormatConfigErrors("table", table.error());
    return {};
  }
  return TestPolicy(TestedConfig(), *table);
}

constexpr char kApi[] = "caller: \"spiffe://prod.example/ns/orders/sa/api\", registration: orders";
constexpr char kGraph[] = ", scopes: [\"https://graph.example/.default\"]";
constexpr char kWorker[] = "caller: \"dns:worker.internal\", registration: billing";

std::string OrdersWith(absl::string_view more) { return absl::StrCat(kApi, kGraph, more); }

TEST(PolicyExpectations, ThatComeTrueAreOneLineEach) {
  const PolicyTestReport report = OutcomeOf(OrdersWith(", expect: allow"));
  EXPECT_EQ(report.wrong, 0u);
  EXPECT_EQ(report.exit_status(), 0);
  EXPECT_EQ(report.text,
            "ok     expectations[0]  allowed  spiffe://prod.example/ns/orders/sa/api orders "
            "client_credentials https://graph.example/.default\n"
            "1 asked, 0 wrong\n");
}

TEST(PolicyExpectations, ThatAreWrongAreExplained) {
  const PolicyTestReport report = OutcomeOf(OrdersWith(", tenant: fabrikam.com, expect: allow"));
  EXPECT_EQ(report.wrong, 1u);
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_THAT(report.text, StartsWith("WRONG  expectations[0]  denied "));
  EXPECT_THAT(report.text, HasSubstr("expected to be allowed, but 1 rule names this caller, and "
                                     "none covers all of the request\n"
                                     "         - rule orders-graph does not list this tenant\n"));
  EXPECT_THAT(report.text, HasSubstr("1 asked, 1 wrong\n"));
}

TEST(PolicyExpectations, NameTheRuleThatAllowsWhatShouldBeDenied) {
  const PolicyTestReport report = OutcomeOf(OrdersWith(", expect: deny"));
  EXPECT_EQ(report.exit_status(), 1);
  EXPECT_THAT(report.text,
              HasSubstr("expected to be denied, but rule orders-graph covers all of the request"));
}

TEST(PolicyExpectations, EveryPartOfTheRequestCounts) {
  struct Row {
    std::string keys;
    bool allowed;
  };
  const Row rows[] = {
      {OrdersWith(""), true},
      {OrdersWith(", tenant: Contoso.com"), true},
      {OrdersWith(", tenant: fabrikam.com"), false},
      {OrdersWith(", force_refresh: true"), false},
      {absl::StrCat(kApi, ", scopes: [\"https://other.example/.default\"]"), false},
      {absl::StrCat("caller: \"dns:worker.internal\", registration: orders", kGraph), false},
      {absl::StrCat(kWorker, ", scopes: [Read]"), true},
      {absl::StrCat(kWorker, ", scopes: [Write, Read]"), true},
      {absl::StrCat(kWorker, ", scopes: [Read, Admin]"), false},
      {absl::StrCat(kWorker, ", scopes: [read]"), false},
      {absl::StrCat(kWorker, ", scopes: [Read], force_refresh: true"), true},
      {absl::StrCat(kWorker, ", scopes: [Read], client_claims: true"), true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(OutcomeOf(row.keys + ", expect: allow").wrong, row.allowed ? 0u : 1u) << row.keys;
    EXPECT_EQ(OutcomeOf(row.keys + ", expect: deny").wrong, row.allowed ? 1u : 0u) << row.keys;
  }
}

TEST(PolicyExpectations, TheRegistrationHasASayToo) {
  EXPECT_THAT(OutcomeOf("caller: \"dns:a\", registration: other, scopes: [a], expect: allow").text,
              HasSubstr("there is no such registration"));
  EXPECT_THAT(OutcomeOf(OrdersWith(", tenant: stranger.com, expect: allow")).text,
              HasSubstr("not on the registration's list"));
  EXPECT_THAT(OutcomeOf(OrdersWith(", client_claims: true, expect: allow")).text,
              HasSubstr("the registration refuses client claims"));
  EXPECT_THAT(
      OutcomeOf(absl::StrCat(kWorker, ", scopes: [Read], tenant: contoso.com, expect: allow")).text,
      HasSubstr("has no tenants"));
}

TEST(PolicyExpectations, AreCountedTogether) {
  const auto table = ParsePolicyExpectations(
      absl::StrCat("expectations:\n  - {", OrdersWith(", expect: allow"), "}\n  - {",
                   OrdersWith(", expect: deny"), "}\n  - {", OrdersWith(", expect: deny"), "}\n"));
  ASSERT_TRUE(table.ok());
  const PolicyTestReport report = TestPolicy(TestedConfig(), *table);
  EXPECT_EQ(report.wrong, 2u);
  EXPECT_THAT(report.text,
              AllOf(HasSubstr("ok     expectations[0]"), HasSubstr("WRONG  expectations[2]"),
                    HasSubstr("3 asked, 2 wrong\n")));
}

TEST(PolicyExpectations, MistakesInTheTableHaveTheirPlacesAndShowNoValue) {
  const auto table = ParsePolicyExpectations(
      "expectations:\n"
      "  - {caller: \"spiffe://c4nary/*\", registration: a, scopes: [\"a c4nary\"], expect: deny}\n"
      "  - {caller: c4nary, registration: a, tenant: common, grant: c4nary, scopes: [a], expect: "
      "allow}\n"
      "  - {registration: a, scopes: [], expect: perhaps}\n");
  ASSERT_FALSE(table.ok());
  EXPECT_THAT(table.error(),
              ElementsAre(ErrorAtPlace("expectations[0].caller", 2, 6, "without *"),
                          ErrorAt("expectations[0].scopes[0]", "without spaces"),
                          ErrorAtPlace("expectations[1].caller", 3, 6, "one caller's id"),
                          ErrorAt("expectations[1].tenant", "GUID or a verified domain"),
                          ErrorAt("expectations[1].grant", "client_credentials"),
                          ErrorAt("expectations[2].caller", "is missing"),
                          ErrorAt("expectations[2].scopes", "at least 1 entry"),
                          ErrorAt("expectations[2].expect", "allow, deny")));
  EXPECT_THAT(FormatConfigErrors("f", table.error()), Not(HasSubstr("c4nary")));
}

/// The blocks of YAML of a page, without the indentation of the list that they may be in.
std::vector<std::string> YamlBlocks(const char* path) {
  std::ifstream file(path);
  std::vector<std::string> blocks;
  bool inside = false;
  std::size_t indentation = 0;
  for (std::string line; std::getline(file, line);) {
    const std::size_t fence = line.find("```");
    if (fence != std::string::npos) {
      inside = !inside && line.substr(fence) == "```yaml";
      indentation = fence;
      if (inside) blocks.emplace_back();
    } else if (inside) {
      absl::StrAppend(&blocks.back(), line.substr(std::min(indentation, line.size())), "\n");
    }
  }
  return blocks;
}

TEST(PolicyExpectations, TheDocumentedTableIsRightAndShowsEveryKey) {
  int tables = 0;
  for (const std::string& block : YamlBlocks(TOKENSVC_POLICY_MD)) {
    if (!absl::StrContains(block, "expectations:\n")) continue;
    ++tables;
    const auto table = ParsePolicyExpectations(block);
    ASSERT_TRUE(table.ok()) << FormatConfigErrors("docs/POLICY.md", table.error());
    const auto& type = *config::v1::PolicyExpectation::descriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      EXPECT_THAT(block, HasSubstr(absl::StrCat(type.field(i)->name(), ":")));
    }
  }
  EXPECT_EQ(tables, 1);
}

TEST(PolicyExpectations, TheDocumentedRecipesAreRight) {
  std::string rest = kSmallConfig;
  rest.resize(rest.find("policy:\n"));
  absl::StrAppend(&rest,
                  "  - {name: export, authority: entra, client_id: e, tenants: [a.com], "
                  "credentials: [{secret: {value: \"env:E\"}}]}\n"
                  "  - {name: billing, authority: corp, client_id: b, credentials: "
                  "[{secret: {value: \"env:B\"}}]}\n");
  absl::StrReplaceAll(
      {{"    entra: {}\n",
        "    entra: {}\n  - {name: corp, oidc: {issuer: \"https://a.example\"}}\n"}},
      &rest);
  int recipes = 0;
  for (std::string block : YamlBlocks(TOKENSVC_POLICY_MD)) {
    if (absl::StrContains(block, "expectations:\n")) continue;
    ++recipes;
    // A rule, or keys of the policy, go below what the page has shown first.
    if (absl::StartsWith(block, "    - ")) block = "policy:\n  rules:\n" + block;
    if (absl::StartsWith(block, "  ")) block = "policy:\n" + block;
    std::string text = rest;
    if (absl::StartsWith(block, "listeners:\n")) {
      const std::size_t policy = block.find("policy:\n");
      text.insert(text.find("authorities:\n"), block.substr(11, policy - 11));
      block.erase(0, policy);
    }
    EXPECT_EQ(FormatConfigErrors("docs/POLICY.md", ErrorsOf(text + block)), "") << block;
  }
  EXPECT_EQ(recipes, 7);
}

TEST(PolicyExpectations, AreReadFromAFile) {
  const TempFolder folder;
  const std::string path = folder.Write(
      "table.yaml", absl::StrCat("expectations: [{", OrdersWith(", expect: allow"), "}]\n"));
  const auto table = LoadPolicyExpectations(path);
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->expectations_size(), 1);
  EXPECT_EQ(table->expectations(0).grant(), "client_credentials");
  const auto none = LoadPolicyExpectations(folder.Path("none"));
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error(), ElementsAre(ErrorAt("", "no such file")));
}

}  // namespace
}  // namespace tokensvc
