// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/opaque_names.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace tokensvc {
namespace {

class OpaqueNamesTest : public ::testing::Test {
 protected:
  testing::FakeRandom random_;
  KeyRing ring_ = KeyRing::MakeRandom(KeyPurpose::kIndex, random_);
};

// Computed with Python's `cryptography` from the documented layout.
TEST_F(OpaqueNamesTest, AreTheHmacThatAnotherImplementationComputes) {
  const auto ring = KeyRing::Parse("primary 3ba84663 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
  ASSERT_TRUE(ring.ok());
  OpaqueNames names("tokensvc:", "fleet");
  EXPECT_EQ(names.RecordKey(ring->primary(), "canonical"),
            "tokensvc:v:l3ZwiVVgVnuxqrqO3Sqoboe3GExxeb-LiKa1lHpfzSE");
}

TEST_F(OpaqueNamesTest, DifferByKeyspaceNameAndKey) {
  const KeyRing other = KeyRing::MakeRandom(KeyPurpose::kIndex, random_);
  const KeyRing& first = ring_;
  std::set<std::string> seen;
  for (const char* keyspace : {"a", "ab", ""}) {
    OpaqueNames names("p:", keyspace);
    for (const char* name : {"b", "bc", "", "abc"}) {
      for (const KeyRing* ring : {&first, &other}) {
        seen.insert(names.RecordKey(ring->primary(), name));
        EXPECT_EQ(names.RecordKey(ring->primary(), name).size(), 2u + 2 + 43);
      }
    }
    seen.insert(names.CheckProof(ring_.primary(), ""));
    seen.insert(names.CheckProof(other.primary(), ""));
    seen.insert(names.CheckProof(other.primary(), "x"));
  }
  EXPECT_EQ(seen.size(), 3u * (4 * 2 + 3));
}

TEST_F(OpaqueNamesTest, BudgetsOfAPartitionShareAHashTagAndNothingElse) {
  OpaqueNames names("p:", "fleet");
  const auto key = [&](const char* partition, const char* name) {
    return names.BudgetKey(ring_.primary(), partition, name);
  };
  const auto tag = [](const std::string& whole) {
    return whole.substr(whole.find('{'), whole.find('}') - whole.find('{'));
  };
  EXPECT_EQ(key("t", "a").size(), 2u + 2 + 45 + 1 + 43);
  EXPECT_EQ(key("t", "a").substr(0, 5), "p:b:{");
  EXPECT_EQ(tag(key("t", "a")), tag(key("t", "b")));
  EXPECT_NE(tag(key("t", "a")), tag(key("u", "a")));
  std::set<std::string> digests = {names.RecordKey(ring_.primary(), "t").substr(4)};
  for (const char* partition : {"t", "ta", ""}) {
    digests.insert(tag(key(partition, "")).substr(1));
    for (const char* name : {"a", "aa", ""}) {
      digests.insert(key(partition, name).substr(2 + 2 + 45 + 1));
    }
  }
  EXPECT_EQ(digests.size(), 1u + 3 + 9);
  EXPECT_NE(OpaqueNames("p:", "other").BudgetKey(ring_.primary(), "t", "a"), key("t", "a"));
}

TEST_F(OpaqueNamesTest, OfAnotherPrefixAreUnderThatPrefixAndTheSame) {
  OpaqueNames a("a:", "fleet");
  OpaqueNames b("b:", "fleet");
  EXPECT_EQ(a.RecordKey(ring_.primary(), "k").substr(2),
            b.RecordKey(ring_.primary(), "k").substr(2));
  EXPECT_EQ(b.CheckKey(), "b:check");
}

}  // namespace
}  // namespace tokensvc
