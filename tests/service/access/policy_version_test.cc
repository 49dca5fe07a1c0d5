// SPDX-License-Identifier: Apache-2.0
#include "service/access/policy_version.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "service/access/compiled_policy.h"

namespace tokensvc {
namespace {

PolicySpec Spec() {
  PolicySpec spec;
  spec.groups.push_back({"team", {"local:a", "local:b"}});
  spec.rules.push_back(
      {"one", {"group:team"}, {"orders"}, {"*"}, {"*"}, {"https://a/.default"}, true, false});
  spec.rules.push_back({"two", {"local:c"}, {"orders"}, {"*"}, {"*"}, {"*"}, true, false});
  spec.administrators = {"local:admin"};
  spec.quotas.push_back({{"local:a"}, {10, 20, 30}});
  return spec;
}

TEST(PolicyVersionTest, IsTheSameForTheSamePolicyAndShownByTheCompiledOne) {
  EXPECT_EQ(PolicyVersion(Spec()), PolicyVersion(Spec()));
  EXPECT_EQ(PolicyVersion(Spec()).size(), 16u);
  const auto compiled = CompiledPolicy::Compile(Spec(), {{"orders", true}});
  ASSERT_TRUE(compiled.ok());
  EXPECT_EQ((*compiled)->version(), PolicyVersion(Spec()));
}

TEST(PolicyVersionTest, DiffersWithEverythingThatAPolicySays) {
  const std::vector<std::function<void(PolicySpec&)>> changes = {
      [](PolicySpec&) {},
      [](PolicySpec& s) { s.groups[0].name = "teams"; },
      [](PolicySpec& s) { s.groups[0].callers.pop_back(); },
      [](PolicySpec& s) { s.groups.clear(); },
      [](PolicySpec& s) { s.rules[0].name = "three"; },
      [](PolicySpec& s) { s.rules[0].callers.push_back("local:d"); },
      [](PolicySpec& s) { s.rules[0].registrations = {"billing"}; },
      [](PolicySpec& s) { s.rules[0].tenants = {"contoso.example"}; },
      [](PolicySpec& s) { s.rules[0].grants = {"client_credentials"}; },
      [](PolicySpec& s) {
        s.rules[0].scopes = {"https://a/.defaul", "t"};
      },
      [](PolicySpec& s) { s.rules[0].force_refresh = false; },
      [](PolicySpec& s) { s.rules[0].client_claims = true; },
      [](PolicySpec& s) { std::swap(s.rules[0], s.rules[1]); },
      [](PolicySpec& s) { s.rules.pop_back(); },
      [](PolicySpec& s) { s.administrators.clear(); },
      [](PolicySpec& s) { s.quotas.clear(); },
      [](PolicySpec& s) { s.quotas[0].callers = {"local:b"}; },
      [](PolicySpec& s) { s.quotas[0].quota.calls_per_second = 11; },
      [](PolicySpec& s) { s.quotas[0].quota.burst = 11; },
      [](PolicySpec& s) { s.quotas[0].quota.concurrent_calls = 11; },
      [](PolicySpec& s) { std::swap(s.administrators, s.observers); },
  };
  std::set<std::string> versions;
  for (const auto& change : changes) {
    PolicySpec spec = Spec();
    change(spec);
    versions.insert(PolicyVersion(spec));
  }
  EXPECT_EQ(versions.size(), changes.size());
}

}  // namespace
}  // namespace tokensvc
