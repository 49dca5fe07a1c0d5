// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/text_deflate.h"

#include <openssl/sha.h>

#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "tests/cache/seal/sample_tokens.h"
#include "tests/testing/fake_random.h"

namespace tokensvc {
namespace {

constexpr char kText[] =
    R"({"aud":"https://graph.microsoft.com","aud2":"https://graph.microsoft.com"})";

TEST(TextDeflateTest, GivesBackTheText) {
  TextDeflate deflate;
  for (int i = 0; i < 3; ++i) {
    const auto deflated = deflate.Deflate(kText);
    ASSERT_TRUE(deflated.has_value());
    EXPECT_LT(deflated->size(), sizeof(kText) - 1);
    const auto text = deflate.Inflate(deflated->Reveal(), sizeof(kText) - 1);
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(text->Reveal(), kText);
  }
}

TEST(TextDeflateTest, DeclinesWhatWouldNotGetShorter) {
  testing::FakeRandom random;
  TextDeflate deflate;
  EXPECT_FALSE(deflate.Deflate("").has_value());
  EXPECT_FALSE(deflate.Deflate("#").has_value());
  EXPECT_FALSE(deflate.Deflate(testing::RandomBytes(random, 5000)).has_value());
}

TEST(TextDeflateTest, InflatesNothingButOneWholeStreamOfTheLengthSaid) {
  TextDeflate deflate;
  const std::string deflated(deflate.Deflate(kText)->Reveal());
  const std::size_t size = sizeof(kText) - 1;
  EXPECT_FALSE(deflate.Inflate(deflated, size - 1).has_value());
  EXPECT_FALSE(deflate.Inflate(deflated, size + 1).has_value());
  EXPECT_FALSE(deflate.Inflate(deflated + "x", size).has_value());
  EXPECT_FALSE(deflate.Inflate(deflated.substr(0, deflated.size() - 1), size).has_value());
  EXPECT_FALSE(deflate.Inflate("", 1).has_value());
  EXPECT_FALSE(deflate.Inflate("garbage garbage", 100).has_value());
  EXPECT_TRUE(deflate.Inflate(deflated, size).has_value());
}

// Records that are in the shared cache must stay readable by the next release. This stream copies
// the whole dictionary.
TEST(TextDeflateTest, TheDictionaryOfFormatOneStaysAsItIs) {
  const std::string stream = absl::HexStringToBytes("d3192d00470bc0d10270b4001ca9052000");
  TextDeflate deflate;
  const auto text = deflate.Inflate(stream, 1281);
  ASSERT_TRUE(text.has_value());
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text->Reveal().data()), text->size(), digest);
  EXPECT_EQ(absl::BytesToHexString(
                absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest))),
            "5828b4fa86ea78c27c49408fd8396164ce63b7fdc49237e55580a663aa3d6450");
}

}  // namespace
}  // namespace tokensvc
