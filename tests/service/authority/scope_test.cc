// SPDX-License-Identifier: Apache-2.0
#include "service/authority/scope.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

const AuthorityProfile& Entra() {
  static const Authority authority;
  return ProfileOf(authority);
}

const AuthorityProfile& Oidc() {
  static const Authority* const authority = [] {
    auto* made = new Authority;
    made->kind = AuthorityKind::kOidc;
    return made;
  }();
  return ProfileOf(*authority);
}

std::string Described(const Result<ScopeSet>& result, std::size_t i = 0) {
  return result.error().violations.at(i).description;
}

TEST(ParseAppScopes, SendsAnEntraScopeAsItIsWrittenAndComparesItWithoutCase) {
  const auto a = ParseAppScopes({"https://Graph.microsoft.com/.default"}, Entra());
  const auto b = ParseAppScopes({"https://graph.microsoft.com/.Default"}, Entra());
  ASSERT_TRUE(a.ok());
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(a->sent(), "https://Graph.microsoft.com/.default");
  EXPECT_EQ(a->canonical(), "https://graph.microsoft.com/.default");
  EXPECT_EQ(*a, *b);
}

TEST(ParseAppScopes, KeepsTheDoubleSlash) {
  const auto two = ParseAppScopes({"https://database.windows.net//.default"}, Entra());
  const auto one = ParseAppScopes({"https://database.windows.net/.default"}, Entra());
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two->sent(), "https://database.windows.net//.default");
  EXPECT_FALSE(*two == *one);
}

TEST(ParseAppScopes, TakesResourcesOfAnyShape) {
  for (const char* scope :
       {"api://11111111-2222-3333-4444-555555555555/.default",
        "11111111-2222-3333-4444-555555555555/.default", "https://x.example/a/.default"}) {
    EXPECT_TRUE(ParseAppScopes({scope}, Entra()).ok()) << scope;
  }
}

TEST(ParseAppScopes, CountsOneEntraScopeInTwoSpellingsOnce) {
  const auto set = ParseAppScopes(
      {"https://Graph.microsoft.com/.default", "https://graph.microsoft.com/.default"}, Entra());
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->sent(), "https://Graph.microsoft.com/.default");
}

TEST(ParseAppScopes, SaysWhatToWriteInsteadOfAUserScope) {
  const auto bare = ParseAppScopes({"user.read"}, Entra());
  ASSERT_FALSE(bare.ok());
  EXPECT_EQ(bare.error().code, absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(bare.error().reason, Reason::kScopeNotAccepted);
  EXPECT_EQ(bare.error().violations.at(0).field, "scopes[0]");
  EXPECT_THAT(Described(bare),
              AllOf(HasSubstr("`user.read`"), HasSubstr("`https://graph.microsoft.com/.default`")));
  const auto full = ParseAppScopes({"https://vault.azure.net/user_impersonation"}, Entra());
  ASSERT_FALSE(full.ok());
  EXPECT_THAT(Described(full), HasSubstr("write `https://vault.azure.net/.default`"));
}

TEST(ParseAppScopes, RefusesADefaultOfNoResourceAndScopesOfUsers) {
  for (const char* scope : {".default", "/.default", "openid", "Offline_Access"}) {
    const auto result = ParseAppScopes({scope}, Entra());
    ASSERT_FALSE(result.ok()) << scope;
    EXPECT_EQ(result.error().reason, Reason::kScopeNotAccepted);
  }
}

TEST(ParseAppScopes, RefusesASecondEntraResource) {
  const auto result = ParseAppScopes(
      {"https://graph.microsoft.com/.default", "https://vault.azure.net/.default"}, Entra());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason, Reason::kScopeNotAccepted);
  EXPECT_EQ(result.error().violations.at(0).field, "scopes[1]");
}

TEST(ParseAppScopes, ReportsEveryMalformedElementAtOnce) {
  const std::string long_scope(1025, 'a');
  const std::vector<absl::string_view> scopes = {"good",
                                                 "",
                                                 "  ",
                                                 "a b",
                                                 "a\"b",
                                                 "a\\b",
                                                 "a\x01"
                                                 "b",
                                                 "\xc3\xbc",
                                                 long_scope,
                                                 absl::string_view("a\0b", 3)};
  const auto result = ParseAppScopes(scopes, Oidc());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason, Reason::kInvalidRequest);
  ASSERT_EQ(result.error().violations.size(), 9u);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(result.error().violations[i].field, "scopes[" + std::to_string(i + 1) + "]");
  }
  EXPECT_THAT(Described(result, 2), HasSubstr("one scope per element"));
}

TEST(ParseAppScopes, RefusesNoneAndTooMany) {
  for (const auto* profile : {&Entra(), &Oidc()}) {
    EXPECT_FALSE(ParseAppScopes({}, *profile).ok());
    const auto many =
        ParseAppScopes(std::vector<absl::string_view>(33, "https://a/.default"), *profile);
    ASSERT_FALSE(many.ok());
    EXPECT_EQ(many.error().violations.size(), 1u);
  }
  EXPECT_TRUE(ParseAppScopes(std::vector<absl::string_view>(32, "a"), Oidc()).ok());
  EXPECT_TRUE(ParseAppScopes({std::string(1024, 'a')}, Oidc()).ok());
}

TEST(ParseAppScopes, NeverRepeatsALongOrUnprintableScope) {
  for (const std::string& scope : {std::string(300, 'z'), std::string(100 << 10, 'z'),
                                   std::string("zzzz\x1b[31m"), std::string("zzzz\n")}) {
    const auto result = ParseAppScopes({scope}, Entra());
    ASSERT_FALSE(result.ok());
    EXPECT_THAT(Described(result), Not(HasSubstr("zzzz")));
    EXPECT_THAT(result.error().message, Not(HasSubstr("zzzz")));
  }
}

TEST(ParseAppScopes, KeepsTheTextOfManyViolationsWithinBounds) {
  std::vector<std::string> scopes;
  for (int i = 0; i < 32; ++i) scopes.push_back(std::string(250, 'a') + std::to_string(i));
  const auto result =
      ParseAppScopes(std::vector<absl::string_view>(scopes.begin(), scopes.end()), Entra());
  ASSERT_FALSE(result.ok());
  std::size_t bytes = 0;
  for (const auto& violation : result.error().violations) {
    bytes += violation.field.size() + violation.description.size();
  }
  EXPECT_LT(bytes, 2200u);
  EXPECT_THAT(result.error().violations.back(),
              Field(&FieldViolation::description, HasSubstr("more elements")));
}

TEST(ScopeSet, SortsAndDeduplicatesWithCaseForOAuth) {
  const auto set = ParseAppScopes({"write", "Read", "write", "read"}, Oidc());
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->sent(), "Read read write");
  EXPECT_EQ(*set, SplitScopes("read  write Read", ScopeRule::kOAuth));
  EXPECT_FALSE(*set == SplitScopes("read write", ScopeRule::kOAuth));
}

}  // namespace
}  // namespace tokensvc
