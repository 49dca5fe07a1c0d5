// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/key_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;

class KeyFilesTest : public ::testing::Test {
 protected:
  KeyFilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "key_files_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    WriteKey("sealing", KeyPurpose::kSealing);
    WriteKey("index", KeyPurpose::kIndex);
  }
  ~KeyFilesTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    // As rotation tools do it: another file takes the place of the old one.
    const std::filesystem::path path = folder_ / absl::StrCat(name, ".new");
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    std::filesystem::rename(path, folder_ / name);
  }
  // A file with one key; returns its id.
  std::uint32_t WriteKey(const std::string& name, KeyPurpose purpose) {
    const KeyRing ring = KeyRing::MakeRandom(purpose, random_);
    Write(name,
          std::string(KeyFileLine(purpose, KeyState::kPrimary, ring.primary().bytes).Reveal()));
    return ring.primary().id;
  }

  absl::StatusOr<std::unique_ptr<KeyFiles>> Load() {
    return KeyFiles::Load({(folder_ / "sealing").string(), (folder_ / "index").string(), &clock_,
                           &logger_, &metrics_});
  }
  void CheckLater(KeyFiles& files) {
    clock_.Advance(KeyFiles::kCheckInterval);
    files.Check();
  }

  std::filesystem::path folder_;
  testing::FakeRandom random_;
  testing::FakeClock clock_;
  testing::CapturingLogger logger_;
  MetricRegistry metrics_;
};

TEST_F(KeyFilesTest, TakesOverAReplacedFile) {
  const auto files = Load();
  ASSERT_TRUE(files.ok()) << files.status();
  const auto before = (*files)->Current();
  const std::uint32_t id = WriteKey("sealing", KeyPurpose::kSealing);
  CheckLater(**files);
  EXPECT_EQ((*files)->Current()->sealing.primary().id, id);
  EXPECT_EQ((*files)->Current()->index.primary().id, before->index.primary().id);
  EXPECT_NE(before->sealing.primary().id, id);  // Who has the old ones keeps them.
  EXPECT_EQ(logger_.Count("key_files_reloaded"), 1u);
}

TEST_F(KeyFilesTest, KnowsSinceWhenAKeyHasBeenInItsState) {
  const absl::Time start = clock_.Now();
  const auto files = Load();
  ASSERT_TRUE(files.ok()) << files.status();
  const std::shared_ptr<const KeyRings> first = (*files)->Current();
  const std::uint32_t index = first->index.primary().id;
  const std::uint32_t old_id = first->sealing.primary().id;
  EXPECT_EQ(first->since.at({KeyPurpose::kSealing, old_id}), start);

  const KeyRing next = KeyRing::MakeRandom(KeyPurpose::kSealing, random_);
  const auto line = [](KeyState state, const RingKey& key) {
    return std::string(KeyFileLine(KeyPurpose::kSealing, state, key.bytes).Reveal());
  };
  Write("sealing", line(KeyState::kPrimary, first->sealing.primary()) +
                       line(KeyState::kPending, next.primary()));
  CheckLater(**files);
  const absl::Time added = clock_.Now();
  Write("sealing", line(KeyState::kRetired, first->sealing.primary()) +
                       line(KeyState::kPrimary, next.primary()));
  CheckLater(**files);
  const absl::Time promoted = clock_.Now();
  ASSERT_LT(added, promoted);
  // Another file's change, and one that changes nothing for these keys.
  WriteKey("index", KeyPurpose::kIndex);
  CheckLater(**files);
  const std::shared_ptr<const KeyRings> last = (*files)->Current();
  EXPECT_EQ(last->since.at({KeyPurpose::kSealing, old_id}), promoted) << "retired since then";
  EXPECT_EQ(last->since.at({KeyPurpose::kSealing, next.primary().id}), promoted);
  EXPECT_EQ(last->since.count({KeyPurpose::kIndex, index}), 0u);
  EXPECT_EQ(last->since.size(), 3u);
}

TEST_F(KeyFilesTest, LooksAtTheFilesAtMostOnceASecond) {
  const auto files = Load();
  ASSERT_TRUE(files.ok());
  const auto before = (*files)->Current();
  WriteKey("index", KeyPurpose::kIndex);
  EXPECT_FALSE((*files)->CheckIsDue());
  (*files)->Check();
  EXPECT_EQ((*files)->Current(), before);
  clock_.Advance(KeyFiles::kCheckInterval);
  EXPECT_TRUE((*files)->CheckIsDue());
  (*files)->Check();
  EXPECT_NE((*files)->Current(), before);
  EXPECT_FALSE((*files)->CheckIsDue());
}

TEST_F(KeyFilesTest, KeepsTheKeysWhileWhatLiesThereIsRefusedAndSaysSoOnce) {
  const auto files = Load();
  ASSERT_TRUE(files.ok());
  const auto before = (*files)->Current();
  Write("sealing", "primary garbage\n");
  for (int i = 0; i < 3; ++i) CheckLater(**files);
  EXPECT_EQ((*files)->Current(), before);
  ASSERT_EQ(logger_.Count("key_file_reload_failed"), 1u);
  EXPECT_EQ(logger_.lines()[0].fields.at("reason"),
            "file of sealing keys: line 1: want three fields: STATE ID KEY");

  std::filesystem::remove(folder_ / "sealing");
  for (int i = 0; i < 3; ++i) CheckLater(**files);
  EXPECT_EQ(logger_.Count("key_file_reload_failed"), 2u);
  EXPECT_EQ((*files)->Current(), before);

  const std::uint32_t id = WriteKey("sealing", KeyPurpose::kSealing);
  CheckLater(**files);
  EXPECT_EQ((*files)->Current()->sealing.primary().id, id);
}

TEST_F(KeyFilesTest, RefusesAFileOfTheOtherPurposeAndOneThatOthersMayRead) {
  WriteKey("index", KeyPurpose::kSealing);
  EXPECT_THAT(std::string(Load().status().message()),
              HasSubstr("file of index keys: holds sealing keys"));
  const auto ring = KeyRing::MakeRandom(KeyPurpose::kIndex, random_);
  Write("index",
        std::string(
            KeyFileLine(KeyPurpose::kIndex, KeyState::kPrimary, ring.primary().bytes).Reveal()),
        0644);
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kPermissionDenied);
  std::filesystem::remove(folder_ / "index");
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(KeyFilesTest, ReadersSeeWholeRingsWhileFilesChange) {
  const auto files = Load();
  ASSERT_TRUE(files.ok());
  std::atomic<bool> stop{false};
  std::atomic<int> broken{0};
  std::thread reader([&] {
    while (!stop) {
      const auto rings = (*files)->Current();
      if (rings->sealing.purpose() != KeyPurpose::kSealing || rings->index.keys().empty()) ++broken;
    }
  });
  for (int i = 0; i < 20; ++i) {
    WriteKey("sealing", KeyPurpose::kSealing);
    CheckLater(**files);
  }
  stop = true;
  reader.join();
  EXPECT_EQ(broken, 0);
  EXPECT_EQ(logger_.Count("key_files_reloaded"), 20u);
}

}  // namespace
}  // namespace tokensvc
