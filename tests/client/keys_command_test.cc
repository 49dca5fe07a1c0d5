// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "base/json.h"
#include "base/key_ring.h"
#include "client/tokenctl/commands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc::tokenctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class KeysCommandTest : public ::testing::Test {
 protected:
  KeysCommandTest() {
    std::string name = (std::filesystem::temp_directory_path() / "tokenctl_keys_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    file_ = (folder_ / "ring.keys").string();
  }
  ~KeysCommandTest() override { std::filesystem::remove_all(folder_); }

  // Runs `tokenctl keys …` as typed.
  ExitCode Run(std::vector<std::string> words) {
    words.insert(words.begin(), {"tokenctl", "keys"});
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    out_.str("");
    err_.str("");
    const auto options = ParseOptions(static_cast<int>(argv.size()), argv.data());
    if (!options.ok()) {
      err_ << options.error().text;
      return options.error().code;
    }
    const SystemClock clock;
    return RunCommand(*options, Console{out_, err_, in_, clock});
  }

  std::string Text() const {
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }
  std::vector<KeyState> States() const {
    std::vector<KeyState> states;
    const auto ring = KeyRing::ReadFile(file_);
    EXPECT_TRUE(ring.ok()) << ring.status();
    if (!ring.ok()) return states;
    for (const RingKey& key : ring->keys()) states.push_back(key.state);
    return states;
  }
  // Keys are what nothing may print.
  void ExpectNoKeyPrinted() const {
    const auto ring = KeyRing::ReadFile(file_);
    ASSERT_TRUE(ring.ok());
    for (const RingKey& key : ring->keys()) {
      const Secret line = KeyFileLine(ring->purpose(), key.state, key.bytes);
      const std::string text(line.Reveal().substr(line.size() - 44, 43));
      EXPECT_FALSE(absl::StrContains(out_.str() + err_.str(), text));
    }
  }

  std::filesystem::path folder_;
  std::string file_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::istringstream in_;
};

TEST_F(KeysCommandTest, NewMakesAPrivateFileWithOnePrimaryKey) {
  ASSERT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitOk) << err_.str();
  EXPECT_EQ(ModeOf(file_), 0600u);
  EXPECT_THAT(States(), ElementsAre(KeyState::kPrimary));
  EXPECT_EQ(KeyRing::ReadFile(file_)->purpose(), KeyPurpose::kSealing);
  EXPECT_THAT(out_.str(), HasSubstr(KeyIdText(KeyRing::ReadFile(file_)->primary().id)));
  ExpectNoKeyPrinted();
  // Nothing else is left in the folder.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(KeysCommandTest, NewMakesIndexKeysWhereAskedTo) {
  ASSERT_EQ(Run({"new", "--ring", "index", "--out", file_}), kExitOk);
  EXPECT_EQ(KeyRing::ReadFile(file_)->purpose(), KeyPurpose::kIndex);
  // The file says what its keys are for; what is said otherwise is a mistake.
  EXPECT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("the file holds index keys"));
  ASSERT_EQ(Run({"new", "--out", file_}), kExitOk);
  EXPECT_THAT(States(), ElementsAre(KeyState::kPrimary, KeyState::kPending));
}

TEST_F(KeysCommandTest, AMistypedPathMakesNoRing) {
  EXPECT_EQ(Run({"new", "--out", file_}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("does not exist; --ring sealing or --ring index"));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(KeysCommandTest, DropsRetiredKeysAndNothingElse) {
  ASSERT_EQ(Run({"new", "--ring", "index", "--out", file_}), kExitOk);
  std::ofstream(file_, std::ios::app) << "# retired by us, in words\n";
  chmod(file_.c_str(), 0640);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Run({"new", "--out", file_}), kExitOk);
  const std::string before = Text();
  EXPECT_EQ(Run({"drop-retired", file_}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("no key is retired"));
  EXPECT_EQ(Text(), before);

  const std::uint32_t first = KeyRing::ReadFile(file_)->primary().id;
  ASSERT_EQ(Run({"promote", file_}), kExitOk);
  ASSERT_EQ(Run({"promote", file_}), kExitOk);
  const std::uint32_t primary = KeyRing::ReadFile(file_)->primary().id;
  ASSERT_EQ(Run({"drop-retired", file_}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("dropped  " + KeyIdText(first) + "\n"));
  EXPECT_THAT(States(), ElementsAre(KeyState::kPrimary, KeyState::kPending));
  EXPECT_EQ(KeyRing::ReadFile(file_)->primary().id, primary);
  EXPECT_THAT(Text(), HasSubstr("# retired by us, in words\n"));
  EXPECT_EQ(ModeOf(file_), 0640u);
  ExpectNoKeyPrinted();
}

TEST_F(KeysCommandTest, RotatesAndKeepsCommentsAndMode) {
  ASSERT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitOk);
  std::ofstream(file_, std::ios::app) << "# a note of ours";
  chmod(file_.c_str(), 0640);
  ASSERT_EQ(Run({"new", "--out", file_}), kExitOk) << err_.str();
  EXPECT_THAT(States(), ElementsAre(KeyState::kPrimary, KeyState::kPending));
  const std::uint32_t first = KeyRing::ReadFile(file_)->primary().id;

  ASSERT_EQ(Run({"promote", file_}), kExitOk) << err_.str();
  EXPECT_THAT(States(), ElementsAre(KeyState::kRetired, KeyState::kPrimary));
  EXPECT_EQ(KeyRing::ReadFile(file_)->previous()->id, first);
  EXPECT_THAT(Text(), HasSubstr("# a note of ours\n"));
  EXPECT_EQ(ModeOf(file_), 0640u);
  ExpectNoKeyPrinted();

  EXPECT_EQ(Run({"promote", file_}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("no key is pending"));
}

TEST_F(KeysCommandTest, PromotesTheOldestPendingKey) {
  ASSERT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitOk);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(Run({"new", "--out", file_}), kExitOk);
  ASSERT_EQ(Run({"promote", file_}), kExitOk);
  EXPECT_THAT(States(), ElementsAre(KeyState::kRetired, KeyState::kPrimary, KeyState::kPending));
}

TEST_F(KeysCommandTest, StopsAtSixteenKeysAndLeavesTheFileAsItIs) {
  ASSERT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitOk);
  for (int i = 0; i < 15; ++i) ASSERT_EQ(Run({"new", "--out", file_}), kExitOk);
  const std::string before = Text();
  EXPECT_EQ(Run({"new", "--out", file_}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("more than 16 keys"));
  EXPECT_EQ(Text(), before);
}

TEST_F(KeysCommandTest, ChangesTheFileThatALinkPointsTo) {
  ASSERT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitOk);
  const std::string link = (folder_ / "link").string();
  std::filesystem::create_symlink(file_, link);
  ASSERT_EQ(Run({"new", "--out", link}), kExitOk);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(States().size(), 2u);
}

TEST_F(KeysCommandTest, CheckShowsIdsAndStatesAndNeverAKey) {
  ASSERT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitOk);
  ASSERT_EQ(Run({"new", "--out", file_}), kExitOk);
  ASSERT_EQ(Run({"check", file_}), kExitOk);
  const auto ring = KeyRing::ReadFile(file_);
  EXPECT_EQ(out_.str(), file_ + ": the ring of sealing keys\n  primary  " +
                            KeyIdText(ring->keys()[0].id) + "\n  pending  " +
                            KeyIdText(ring->keys()[1].id) + "\n");
  ExpectNoKeyPrinted();
}

TEST_F(KeysCommandTest, CheckLooksAtEveryFileAndFailsForOneThatIsRefused) {
  ASSERT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitOk);
  const std::string open = (folder_ / "open.keys").string();
  std::filesystem::copy_file(file_, open);
  chmod(open.c_str(), 0644);
  EXPECT_EQ(Run({"check", open, file_, "/nonexistent"}), kExitUsage);
  EXPECT_THAT(out_.str(), HasSubstr(open + ": REFUSED: the file may be read or written by others"));
  EXPECT_THAT(out_.str(), HasSubstr(file_ + ": the ring of sealing keys"));
  EXPECT_THAT(out_.str(), HasSubstr("/nonexistent: REFUSED: the file does not exist"));
}

TEST_F(KeysCommandTest, CheckWritesOneJsonDocument) {
  ASSERT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitOk);
  ASSERT_EQ(Run({"check", file_, "/nonexistent", "--output", "json"}), kExitUsage);
  const Json json = Json::parse(out_.str());
  EXPECT_EQ(json["files"][0]["ring"], "sealing");
  EXPECT_EQ(json["files"][0]["keys"][0]["state"], "primary");
  EXPECT_EQ(json["files"][1]["error"], "the file does not exist");
  ExpectNoKeyPrinted();
}

TEST_F(KeysCommandTest, NeverPrintsWhatABrokenFileHolds) {
  std::ofstream(file_) << "primary 00000000 CANARYCANARY\n";
  chmod(file_.c_str(), 0600);
  for (const auto& words : {std::vector<std::string>{"check", file_},
                            {"promote", file_},
                            {"drop-retired", file_},
                            {"new", "--out", file_}}) {
    EXPECT_EQ(Run(words), kExitUsage);
    EXPECT_THAT(out_.str() + err_.str(), HasSubstr("line 1"));
    EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("CANARY")));
  }
}

TEST_F(KeysCommandTest, AsksForNoServerAndForAnAction) {
  setenv("TOKENSVC_ADDRESS", "tokens.example.com:7443", 1);
  EXPECT_EQ(Run({"new", "--ring", "sealing", "--out", file_}), kExitOk) << err_.str();
  unsetenv("TOKENSVC_ADDRESS");
  EXPECT_EQ(Run({}), kExitUsage);
  EXPECT_EQ(Run({"new"}), kExitUsage);
  EXPECT_EQ(Run({"new", "--ring", "other", "--out", file_}), kExitUsage);
  EXPECT_EQ(Run({"--help"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("To rotate"));
}

}  // namespace
}  // namespace tokensvc::tokenctl
