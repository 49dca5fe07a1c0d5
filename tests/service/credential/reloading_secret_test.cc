// SPDX-License-Identifier: Apache-2.0
#include "service/credential/reloading_secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/service/credential/credential_fixture.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReloadingSecretTest : public testing::CredentialFixture {
 protected:
  std::shared_ptr<ReloadingSecret> Load(const std::string& path) {
    return ReloadingSecret::FromFile("crm/0", path, environment_).value();
  }

  static std::string Text(const ReloadingSecret& secret) {
    return std::string(secret.Current().secret.Reveal());
  }

  // Looks once more; true when the old secret stands and the failure was counted and logged so
  // often.
  void ExpectStillOld(ReloadingSecret& secret, int failures) {
    PassInterval();
    secret.Check();
    EXPECT_EQ(Text(secret), "old");
    EXPECT_EQ(secret.version(), 1u);
    EXPECT_EQ(Counters().reload_failures.Value(), failures);
    EXPECT_EQ(logger_.Count("credential_reload_failed"), static_cast<std::size_t>(failures));
  }
};

TEST_F(ReloadingSecretTest, OneLineBreakAtTheEndIsNotPartOfTheSecret) {
  EXPECT_EQ(Text(*Load(Write("a", "s3cret"))), "s3cret");
  EXPECT_EQ(Text(*Load(Write("a", "s3cret\n"))), "s3cret");
  EXPECT_EQ(Text(*Load(Write("a", "s3cret\r\n"))), "s3cret");
  EXPECT_EQ(Text(*Load(Write("a", " s3 cret "))), " s3 cret ");
}

TEST_F(ReloadingSecretTest, TakesOverAReplacedFile) {
  const auto secret = Load(Write("a", "old"));
  EXPECT_EQ(secret->version(), 1u);
  Write("a", "new");
  PassInterval();
  EXPECT_TRUE(secret->CheckIsDue());
  secret->Check();
  EXPECT_EQ(Text(*secret), "new");
  EXPECT_EQ(secret->version(), 2u);
  EXPECT_EQ(secret->Current().version, 2u);
  EXPECT_EQ(Counters().reloads.Value(), 1);
  EXPECT_EQ(logger_.Count("credential_reloaded"), 1u);
}

TEST_F(ReloadingSecretTest, TakesOverAFileThatIsWrittenInPlace) {
  const auto secret = Load(Write("a", "old"));
  WriteInPlace("a", "newer");
  PassInterval();
  secret->Check();
  EXPECT_EQ(Text(*secret), "newer");
}

TEST_F(ReloadingSecretTest, SeesSymbolicLinksSwapAsInAKubernetesMount) {
  std::filesystem::create_directory(Path("v1"));
  std::filesystem::create_directory(Path("v2"));
  Write("v1/a", "old");
  Write("v2/a", "new");
  std::filesystem::create_symlink("v1", Path("data"));
  const auto secret = Load(Path("data/a"));
  std::filesystem::create_symlink("v2", Path("data.new"));
  std::filesystem::rename(Path("data.new"), Path("data"));
  PassInterval();
  secret->Check();
  EXPECT_EQ(Text(*secret), "new");
}

TEST_F(ReloadingSecretTest, LooksAtMostOnceASecondOfBootTime) {
  const auto secret = Load(Write("a", "old"));
  Write("a", "new");
  clock_.Advance(absl::Milliseconds(999));
  clock_.JumpWall(absl::Hours(1));
  EXPECT_FALSE(secret->CheckIsDue());
  secret->Check();
  EXPECT_EQ(Text(*secret), "old");
  clock_.Advance(absl::Milliseconds(1));
  clock_.JumpWall(-absl::Hours(2));
  EXPECT_TRUE(secret->CheckIsDue());
  secret->Check();
  EXPECT_EQ(Text(*secret), "new");
  EXPECT_FALSE(secret->CheckIsDue());
}

TEST_F(ReloadingSecretTest, KeepsTheOldSecretWhileTheFileCannotBeUsed) {
  const auto secret = Load(Write("a", "old"));
  Write("a", "");
  ExpectStillOld(*secret, 1);
  ExpectStillOld(*secret, 1);  // The same bad file again: no second line.
  Write("a", "\n");
  ExpectStillOld(*secret, 2);
  Write("a", std::string(ReloadingFile::kMaxBytes + 1, 'x'));
  ExpectStillOld(*secret, 3);
  Write("a", std::string("canary\0canary", 13));
  ExpectStillOld(*secret, 4);
  Write("a", "canary\ncanary\n");
  ExpectStillOld(*secret, 5);
  std::filesystem::remove(Path("a"));
  ExpectStillOld(*secret, 6);
  ASSERT_EQ(mkfifo(Path("a").c_str(), 0600), 0);
  ExpectStillOld(*secret, 7);
  std::filesystem::remove(Path("a"));
  std::filesystem::create_directory(Path("a"));
  ExpectStillOld(*secret, 8);
  std::filesystem::remove(Path("a"));

  Write("a", "new");
  PassInterval();
  secret->Check();
  EXPECT_EQ(Text(*secret), "new");
  EXPECT_EQ(secret->version(), 2u);
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("canary")));
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr(directory_.string())));
}

TEST_F(ReloadingSecretTest, TheSameContentInANewFileIsNoNewVersion) {
  const auto secret = Load(Write("a", "old"));
  Write("a", "old");
  PassInterval();
  secret->Check();
  EXPECT_EQ(secret->version(), 1u);
  EXPECT_EQ(Counters().reloads.Value(), 0);
  Write("a", "new");
  PassInterval();
  secret->Check();
  EXPECT_EQ(secret->version(), 2u);
}

TEST_F(ReloadingSecretTest, RefusesToStartWithoutAUsableFileAndNamesNoPath) {
  const auto refused = [this](const std::string& path) {
    const absl::Status status = ReloadingSecret::FromFile("crm/0", path, environment_).status();
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr(directory_.string())));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("canary")));
    return status.code();
  };
  // A secret where its path belongs is a mistake that happens.
  EXPECT_EQ(refused("canary"), absl::StatusCode::kNotFound);
  EXPECT_EQ(refused(Path("none")), absl::StatusCode::kNotFound);
  EXPECT_EQ(refused(directory_.string()), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(refused(Write("a", "")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(refused(Write("a", "canary\x01")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(refused(Write("a", std::string(ReloadingFile::kMaxBytes + 1, 'x'))),
            absl::StatusCode::kOutOfRange);
}

TEST_F(ReloadingSecretTest, AFixedValueNeverChanges) {
  const auto secret =
      ReloadingSecret::FromValue("crm/0", Secret::CopyOf("fixed"), environment_).value();
  PassInterval();
  EXPECT_FALSE(secret->CheckIsDue());
  secret->Check();
  EXPECT_EQ(Text(*secret), "fixed");
  EXPECT_EQ(secret->version(), 1u);
  EXPECT_EQ(secret->Current().version, 1u);
  EXPECT_EQ(ReloadingSecret::FromValue("crm/0", Secret(), environment_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ReloadingSecretTest, ThreadsThatAskWhileItChangesSeeOneOfTheTwo) {
  const auto secret = Load(Write("a", "old"));
  std::vector<std::thread> threads;
  std::atomic<int> strange{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        clock_.Advance(absl::Milliseconds(100));
        secret->Check();
        const std::string text = Text(*secret);
        if (text != "old" && text != "new") ++strange;
      }
    });
  }
  for (int i = 0; i < 20; ++i) Write("a", i % 2 == 0 ? "new" : "old");
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(strange, 0);
  PassInterval();
  secret->Check();
  EXPECT_EQ(Text(*secret), "old");
}

}  // namespace
}  // namespace tokensvc
