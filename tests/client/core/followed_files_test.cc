// SPDX-License-Identifier: Apache-2.0
#include "client/core/followed_files.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Followed = FollowedFiles<const std::string>;

/// Two files whose contents are good where they begin with the same letter.
class FollowedFilesTest : public ::testing::Test {
 protected:
  FollowedFilesTest() {
    std::string folder = ::testing::TempDir() + "tokensvc-followed-XXXXXX";
    folder_ = mkdtemp(folder.data());
  }
  ~FollowedFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return absl::StrCat(folder_, "/", name); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name + ".new")) << text;
    std::filesystem::rename(Path(name + ".new"), Path(name));
  }

  absl::StatusOr<std::unique_ptr<Followed>> Open() {
    return Followed::Open(
        {{"first_file", Path("a")}, {"second_file", Path("b")}}, 100,
        [this](const std::vector<Secret>& contents, bool first) { return Make(contents, first); });
  }

  absl::StatusOr<std::shared_ptr<const std::string>> Make(const std::vector<Secret>& contents,
                                                          bool first) {
    ++made_;
    first_ = first;
    const absl::string_view a = contents.at(0).Reveal();
    const absl::string_view b = contents.at(1).Reveal();
    if (a.empty() || b.empty() || a.front() != b.front()) {
      return absl::InvalidArgumentError("they do not fit");
    }
    return std::make_shared<const std::string>(absl::StrCat(a, b));
  }

  std::string folder_;
  std::atomic<int> made_ = 0;
  std::atomic<bool> first_ = false;
};

TEST_F(FollowedFilesTest, WhatWasMadeStaysUntilAFileChanges) {
  Write("a", "x1");
  Write("b", "x2");
  const auto files = *Open();
  EXPECT_TRUE(first_);
  const auto made = files->Current();
  EXPECT_EQ(*made, "x1x2");
  EXPECT_EQ(files->Current(), made);
  EXPECT_EQ(made_, 1);
  Write("b", "x3");
  EXPECT_EQ(*files->Current(), "x1x3");
  EXPECT_FALSE(first_);
  EXPECT_EQ(made_, 2);
}

TEST_F(FollowedFilesTest, TheSameContentAnewMakesNothing) {
  Write("a", "x1");
  Write("b", "x2");
  const auto files = *Open();
  Write("a", "x1");
  files->Current();
  EXPECT_EQ(made_, 1);
}

TEST_F(FollowedFilesTest, WhatDoesNotFitIsLookedAtOnceAndTheOldStays) {
  Write("a", "x1");
  Write("b", "x2");
  const auto files = *Open();
  Write("a", "y1");
  EXPECT_EQ(*files->Current(), "x1x2");
  EXPECT_EQ(*files->Current(), "x1x2");
  EXPECT_EQ(made_, 2);
  EXPECT_THAT(std::string(files->Refusal().message()), HasSubstr("do not fit"));
  Write("b", "y2");
  EXPECT_EQ(*files->Current(), "y1y2");
  EXPECT_TRUE(files->Refusal().ok());
}

TEST_F(FollowedFilesTest, AFileThatIsGoneOrGrownLeavesTheOldInForceUntilItIsBack) {
  Write("a", "x1");
  Write("b", "x2");
  const auto files = *Open();
  std::filesystem::remove(Path("a"));
  EXPECT_EQ(*files->Current(), "x1x2");
  EXPECT_THAT(std::string(files->Refusal().message()), HasSubstr("first_file"));
  Write("b", std::string(101, 'x'));
  EXPECT_EQ(*files->Current(), "x1x2");
  Write("a", "x1");
  Write("b", "x2");
  EXPECT_EQ(*files->Current(), "x1x2");
  EXPECT_TRUE(files->Refusal().ok());
}

TEST_F(FollowedFilesTest, SeesALinkThatIsSwappedAsKubernetesDoesIt) {
  for (const char* version : {"v1", "v2"}) {
    std::filesystem::create_directory(Path(version));
    for (const char* name : {"a", "b"}) {
      std::ofstream(absl::StrCat(Path(version), "/", name)) << version << name;
    }
  }
  std::filesystem::create_symlink("v1", Path("..data"));
  std::filesystem::create_symlink("..data/a", Path("a"));
  std::filesystem::create_symlink("..data/b", Path("b"));
  const auto files = *Open();
  EXPECT_EQ(*files->Current(), "v1av1b");
  std::filesystem::create_symlink("v2", Path("..data_tmp"));
  std::filesystem::rename(Path("..data_tmp"), Path("..data"));
  EXPECT_EQ(*files->Current(), "v2av2b");
}

TEST_F(FollowedFilesTest, WithoutThePastAnErrorNamesTheOptionAndNeverThePath) {
  Write("a", "x1");
  absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("second_file: the file does not exist"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr(folder_)));
  std::filesystem::create_directory(Path("b"));
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("second_file: not a regular"));
  std::filesystem::remove(Path("b"));
  Write("b", "y");
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("do not fit"));
}

TEST_F(FollowedFilesTest, WithoutFilesItIsMadeOnce) {
  int made = 0;
  const auto files = *FollowedFiles<int>::Open({}, 0, [&made](const std::vector<Secret>&, bool) {
    return absl::StatusOr<std::shared_ptr<int>>(std::make_shared<int>(++made));
  });
  EXPECT_EQ(*files->Current(), 1);
  EXPECT_EQ(*files->Current(), 1);
}

TEST_F(FollowedFilesTest, ManyThreadsSeeWholeVersionsOnly) {
  Write("a", "a0");
  Write("b", "a0");
  const auto files = *Open();
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  readers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const auto now = files->Current();
        EXPECT_EQ(now->front(), now->at(2)) << *now;
      }
    });
  }
  for (int i = 1; i <= 50; ++i) {
    const std::string text = absl::StrCat(std::string(1, static_cast<char>('a' + i % 2)), i % 10);
    Write("a", text);
    Write("b", text);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(*files->Current(), "a0a0");
}

}  // namespace
}  // namespace tokensvc::client
