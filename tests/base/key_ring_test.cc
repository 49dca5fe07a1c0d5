// SPDX-License-Identifier: Apache-2.0
#include "base/key_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/testing/fake_random.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The bytes 0 to 31, written by another program, and so are its ids.
constexpr char kCountedKey[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
constexpr char kCountedLine[] = "primary f46b8405 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";

Secret MakeKey(std::uint64_t seed) {
  testing::FakeRandom random(seed);
  std::string bytes(KeyRing::kKeyBytes, '\0');
  random.Fill(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size());
  return Secret(std::move(bytes));
}

std::string Line(KeyState state, std::uint64_t seed, KeyPurpose purpose = KeyPurpose::kSealing) {
  return std::string(KeyFileLine(purpose, state, MakeKey(seed)).Reveal());
}

TEST(KeyRingTest, ReadsWhatAnotherProgramWrote) {
  const auto ring = KeyRing::Parse(kCountedLine);
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_EQ(ring->purpose(), KeyPurpose::kSealing);
  EXPECT_EQ(ring->primary().id, 0xf46b8405u);
  std::string counted;
  for (char c = 0; c < 32; ++c) counted.push_back(c);
  EXPECT_EQ(ring->primary().bytes.Reveal(), counted);
  EXPECT_EQ(KeyFileLine(KeyPurpose::kSealing, KeyState::kPrimary, ring->primary().bytes).Reveal(),
            kCountedLine);
}

TEST(KeyRingTest, TellsThePurposeByTheId) {
  const auto ring = KeyRing::Parse(absl::StrCat("primary 3ba84663 ", kCountedKey));
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_EQ(ring->purpose(), KeyPurpose::kIndex);
}

TEST(KeyRingTest, SkipsCommentsAndEmptyLines) {
  EXPECT_TRUE(KeyRing::Parse(absl::StrCat("# ours\n\n  \n", kCountedLine, "\n# end")).ok());
}

TEST(KeyRingTest, FindsKeysOfEveryStateById) {
  const auto ring =
      KeyRing::Parse(absl::StrCat(Line(KeyState::kRetired, 1), Line(KeyState::kRetired, 2),
                                  Line(KeyState::kPrimary, 3), Line(KeyState::kPending, 4)));
  ASSERT_TRUE(ring.ok()) << ring.status();
  ASSERT_EQ(ring->keys().size(), 4u);
  EXPECT_EQ(ring->primary().bytes, MakeKey(3));
  for (const RingKey& key : ring->keys()) EXPECT_EQ(ring->Find(key.id), &key);
  EXPECT_EQ(ring->Find(ring->primary().id + 1), nullptr);
}

TEST(KeyRingTest, ThePreviousKeyIsTheLastRetiredOne) {
  const auto ring = KeyRing::Parse(absl::StrCat(
      Line(KeyState::kRetired, 1), Line(KeyState::kRetired, 2), Line(KeyState::kPrimary, 3)));
  ASSERT_TRUE(ring.ok()) << ring.status();
  ASSERT_NE(ring->previous(), nullptr);
  EXPECT_EQ(ring->previous()->bytes, MakeKey(2));
  EXPECT_EQ(KeyRing::Parse(kCountedLine)->previous(), nullptr);
}

TEST(KeyRingTest, RefusesWhatIsNotStrictlyAKeyFileAndNamesTheLine) {
  const std::string good = kCountedLine;
  const std::string other = Line(KeyState::kPrimary, 7);
  const struct {
    std::string text;
    const char* error;
  } cases[] = {
      {"", "the file has no keys"},
      {"# nothing\n", "the file has no keys"},
      {Line(KeyState::kPending, 1), "none of the keys is primary"},
      {good + other, "line 2: a second primary key"},
      {good + "\n" + absl::StrReplaceAll(good, {{"primary", "retired"}}),
       "line 3: the same id a second time"},
      {absl::StrReplaceAll(good, {{"primary", "active"}}), "line 1: the state must be"},
      {absl::StrReplaceAll(good, {{"primary", "Primary"}}), "line 1: the state must be"},
      {absl::StrReplaceAll(good, {{"f46b8405", "f46b8406"}}), "line 1: the id is not that"},
      {absl::StrReplaceAll(good, {{"f46b8405", "F46B8405"}}), "line 1: the id is not that"},
      {absl::StrReplaceAll(good, {{"\n", "=\n"}}), "line 1: the key must be base64url"},
      {absl::StrReplaceAll(good, {{"Hh8\n", "Hh9\n"}}), "line 1: the key must be base64url"},
      {absl::StrReplaceAll(good, {{"Hh8\n", "Hh\n"}}), "line 1: the key must be base64url"},
      {absl::StrReplaceAll(good, {{"\n", " extra\n"}}), "line 1: want three fields"},
      {absl::StrReplaceAll(good, {{" AAEC", " \n"}}), "line 1: want three fields"},
      {absl::StrReplaceAll(good, {{"\n", "\r\n"}}), "line 1: the key must be"},
      {good + Line(KeyState::kPending, 1, KeyPurpose::kIndex),
       "line 2: a key of the other purpose"},
  };
  for (const auto& c : cases) {
    const auto ring = KeyRing::Parse(c.text);
    ASSERT_FALSE(ring.ok()) << c.error;
    EXPECT_THAT(std::string(ring.status().message()), HasSubstr(c.error));
    EXPECT_THAT(std::string(ring.status().message()), Not(HasSubstr("AAECAwQF")));
  }
}

TEST(KeyRingTest, RefusesMoreThanSixteenKeysAndFilesBeyondAnySense) {
  std::string text = kCountedLine;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) text += Line(KeyState::kRetired, seed);
  EXPECT_TRUE(KeyRing::Parse(text).ok());
  text += Line(KeyState::kPending, 16);
  EXPECT_THAT(std::string(KeyRing::Parse(text).status().message()),
              HasSubstr("line 17: more than 16 keys"));
  const std::string long_comment(KeyRing::kMaxFileBytes, '#');
  EXPECT_EQ(KeyRing::Parse(long_comment + "\n" + kCountedLine).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST(KeyRingTest, ARandomRingHasOnePrimaryKeyOfItsOwn) {
  testing::FakeRandom random;
  const KeyRing a = KeyRing::MakeRandom(KeyPurpose::kIndex, random);
  const KeyRing b = KeyRing::MakeRandom(KeyPurpose::kIndex, random);
  EXPECT_EQ(a.keys().size(), 1u);
  EXPECT_EQ(a.primary().state, KeyState::kPrimary);
  EXPECT_EQ(a.primary().id, KeyId(KeyPurpose::kIndex, a.primary().bytes.Reveal()));
  EXPECT_FALSE(a.primary().bytes == b.primary().bytes);
}

class KeyRingFileTest : public ::testing::Test {
 protected:
  KeyRingFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "key_ring_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~KeyRingFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& text, mode_t mode) const {
    const std::string path = folder_ / "keys";
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(KeyRingFileTest, ReadsAFileThatOnlyOwnerAndGroupMayRead) {
  for (const mode_t mode : {0400, 0440, 0600, 0640}) {
    EXPECT_TRUE(KeyRing::ReadFile(Write(kCountedLine, mode)).ok()) << mode;
  }
}

TEST_F(KeyRingFileTest, RefusesAFileThatOthersMayReadOrWrite) {
  for (const mode_t mode : {0644, 0604, 0660, 0602, 0666}) {
    EXPECT_EQ(KeyRing::ReadFile(Write(kCountedLine, mode)).status().code(),
              absl::StatusCode::kPermissionDenied)
        << mode;
  }
}

TEST_F(KeyRingFileTest, RefusesAFileThatIsMissingOrTooLarge) {
  EXPECT_EQ(KeyRing::ReadFile("/nonexistent/keys").status().code(), absl::StatusCode::kNotFound);
  const std::string large(KeyRing::kMaxFileBytes + 1, '#');
  EXPECT_EQ(KeyRing::ReadFile(Write(large, 0600)).status().code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace tokensvc
