// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "base/log.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

template <class T, class = void>
struct IsStreamable : std::false_type {};
template <class T>
struct IsStreamable<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<T>())>>
    : std::true_type {};

static_assert(IsStreamable<std::string>::value);
static_assert(!IsStreamable<const Secret&>::value);
static_assert(!IsStreamable<Secret>::value);
static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(std::is_nothrow_move_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<const Secret&, absl::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>, "a secret is made on purpose");
static_assert(!std::is_constructible_v<Secret, const std::string&>, "the caller would keep a copy");
static_assert(!std::is_constructible_v<LogField, absl::string_view, const Secret&>);

// One that lies inside the string object, and one on the heap.
class SecretTest : public testing::TestWithParam<std::string> {};

TEST_P(SecretTest, IsEmptyAfterItWasMovedFrom) {
  Secret a = Secret::CopyOf(GetParam());
  Secret b(std::move(a));
  EXPECT_EQ(b.Reveal(), GetParam());
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): it is the point.
  EXPECT_EQ(a.Reveal(), "");

  Secret c = Secret::CopyOf("what stood here before");
  c = std::move(b);
  EXPECT_EQ(c.Reveal(), GetParam());
  EXPECT_TRUE(b.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(b.size(), 0u);
}

TEST_P(SecretTest, OverwritesTheBytesOfWhatItWasMovedFrom) {
  Secret a = Secret::CopyOf(GetParam());
  const char* const inside = a.Reveal().data();
  Secret b(std::move(a));
  if (inside != b.Reveal().data()) {  // the bytes were copied: none may stay behind
    for (std::size_t i = 0; i < GetParam().size(); ++i) EXPECT_EQ(inside[i], 0);
  } else {
    EXPECT_EQ(b.Reveal(), GetParam());
  }
}

TEST_P(SecretTest, SurvivesMovingIntoItself) {
  Secret a = Secret::CopyOf(GetParam());
  Secret& same = a;
  a = std::move(same);
  EXPECT_EQ(a.Reveal(), GetParam());
}

TEST_P(SecretTest, ClonesIntoBytesOfItsOwn) {
  const Secret a = Secret::CopyOf(GetParam());
  const Secret b = a.Clone();
  EXPECT_EQ(b.Reveal(), GetParam());
  EXPECT_NE(a.Reveal().data(), b.Reveal().data());
}

TEST_P(SecretTest, ComparesAllBytes) {
  const Secret a = Secret::CopyOf(GetParam());
  EXPECT_TRUE(a == Secret::CopyOf(GetParam()));
  std::string other = GetParam();
  other.back() = static_cast<char>(other.back() ^ 1);
  EXPECT_FALSE(a == Secret::CopyOf(other));
  EXPECT_FALSE(a == Secret::CopyOf(GetParam() + "x"));
  EXPECT_FALSE(a == Secret());
}

INSTANTIATE_TEST_SUITE_P(Lengths, SecretTest,
                         testing::Values("short", std::string("a\0b", 3), std::string(2000, 's')));

TEST(EmptySecretTest, EqualsAnotherEmptyOneAndReusesAfterMove) {
  Secret a;
  EXPECT_TRUE(a.empty());
  EXPECT_TRUE(a == Secret());
  a = Secret::CopyOf("again");
  EXPECT_EQ(a.Reveal(), "again");
}

}  // namespace
}  // namespace tokensvc
