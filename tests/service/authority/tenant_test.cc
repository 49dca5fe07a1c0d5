// SPDX-License-Identifier: Apache-2.0
#include "service/authority/tenant.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CanonicalTenant, IsTheGuidOrDomainInLowerCase) {
  EXPECT_EQ(*CanonicalTenant("72F988BF-86F1-41AF-91AB-2D7CD011DB47"),
            "72f988bf-86f1-41af-91ab-2d7cd011db47");
  EXPECT_EQ(*CanonicalTenant("Contoso.OnMicrosoft.com"), "contoso.onmicrosoft.com");
  EXPECT_EQ(*CanonicalTenant("xn--bcher-kva.example"), "xn--bcher-kva.example");
}

class RefusedTenant : public ::testing::TestWithParam<std::string> {};

TEST_P(RefusedTenant, IsAViolationThatDoesNotRepeatIt) {
  const std::string& tenant = GetParam();
  const Result<std::string> result = CanonicalTenant(tenant);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(result.error().reason, Reason::kInvalidRequest);
  ASSERT_EQ(result.error().violations.size(), 1u);
  EXPECT_EQ(result.error().violations[0].field, "tenant");
  if (tenant.size() > 3) {
    EXPECT_THAT(result.error().violations[0].description, Not(HasSubstr(tenant)));
    EXPECT_THAT(result.error().message, Not(HasSubstr(tenant)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Hostile, RefusedTenant,
    ::testing::Values("", " ", "../../x", "evil.example/", "evil.example/x", "a.b?c", "a.b#c",
                      "a.b%2f", "%2e%2e.example", "nodots", "trailing.example.", ".leading.example",
                      "two..dots.example", "-a.example", "a-.example", "10.0.0.1", "1.2.3.0x10",
                      "[::1]", "user@evil.example", "evil.example:443", "evil.example\\x",
                      std::string("nul\0.example", 12), "line\n.example", "b\xc3\xbc.example",
                      "72f988bf-86f1-41af-91ab-2d7cd011db4", "72f988bf-86f1-41af-91ab-2d7cd011db4g",
                      "72f988bf86f141af91ab2d7cd011db47", std::string(64, 'a') + ".example",
                      std::string(250, 'a') + ".example", std::string(100 << 10, 'a')));

TEST(CanonicalTenant, ExplainsThatTheSharedNamesAreNoTenants) {
  for (const char* name : {"common", "organizations", "consumers", "Common"}) {
    const Result<std::string> result = CanonicalTenant(name);
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_THAT(result.error().violations[0].description, HasSubstr("stands for no single tenant"));
  }
}

}  // namespace
}  // namespace tokensvc
