// SPDX-License-Identifier: Apache-2.0
// Quotas of callers, and budgets for authorities.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "service/config/policy_config.h"
#include "tests/service/config/config_testing.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// `kSmallConfig` whose policy, which ends it, has those quotas.
std::string WithQuotas(absl::string_view quotas) {
  return SmallConfigAnd(absl::StrCat("  quotas: [", quotas, "]\n"));
}

TEST(ConfigQuotas, ADefaultHoldsForEverybody) {
  const ConfigResult config = ParseConfig(kSmallConfig);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->limits().caller_quota().calls_per_second(), 5000u);
  EXPECT_EQ(config->limits().caller_quota().burst(), 0u) << "by the rate";
  EXPECT_EQ(config->limits().caller_quota().concurrent_calls(), 0u) << "by max_waiting_calls";
  EXPECT_EQ(config->limits().authority_budget().requests_per_minute(), 6000u);
  EXPECT_EQ(config->limits().authority_budget().forced_refreshes_per_minute(), 60u);
}

TEST(ConfigQuotas, ThoseOfThePolicyAreRead) {
  const ConfigResult config =
      ParseConfig(WithQuotas("{callers: [\"dns:a\"], calls_per_second: 5, burst: 7}, "
                             "{callers: [\"*\"], concurrent_calls: 9}"));
  ASSERT_TRUE(config.ok()) << FormatConfigErrors("", config.error());
  const PolicySpec spec = PolicySpecOf(config->policy());
  ASSERT_EQ(spec.quotas.size(), 2u);
  EXPECT_THAT(spec.quotas[0].callers, ElementsAre("dns:a"));
  EXPECT_EQ(spec.quotas[0].quota.calls_per_second, 5u);
  EXPECT_EQ(spec.quotas[0].quota.burst, 7u);
  EXPECT_EQ(spec.quotas[0].quota.concurrent_calls, 0u);
  EXPECT_EQ(spec.quotas[1].quota.concurrent_calls, 9u);
}

TEST(ConfigQuotas, MistakesAreReportedWhereTheyStand) {
  EXPECT_THAT(ErrorsOf(WithQuotas("{callers: [\"dns:a\"], calls_per_second: 0}")),
              ElementsAre(ErrorAt("policy.quotas[0].calls_per_second", "write 1 to 1000000")));
  EXPECT_THAT(ErrorsOf(WithQuotas("{callers: [\"dns:a\"], burst: many}")),
              ElementsAre(ErrorAt("policy.quotas[0].burst", "a whole number such as 1")));
  EXPECT_THAT(ErrorsOf(WithQuotas("{callers: [\"group:nobody\"], burst: 1}")),
              ElementsAre(ErrorAt("policy.quotas[0].callers[0]", "names no group")));
  EXPECT_THAT(ErrorsOf(WithQuotas("{callers: [\"dns:a\"]}")),
              ElementsAre(ErrorAt("policy.quotas[0]", "limits nothing")));
  EXPECT_THAT(
      ErrorsOf(WithQuotas("{callers: [\"*\"], burst: 1}, {callers: [\"dns:a\"], burst: 1}")),
      ElementsAre(ErrorAt("policy.quotas[1]", "never used")));
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("limits: {authority_budget: {requests_per_minute: 0}}\n")),
              ElementsAre(ErrorAt("limits.authority_budget.requests_per_minute", "write 1 to")));
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("limits: {caller_quota: {calls_per_second: 1}}\n")),
              IsEmpty());
}

}  // namespace
}  // namespace tokensvc
