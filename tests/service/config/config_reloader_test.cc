// SPDX-License-Identifier: Apache-2.0
#include "service/config/config_reloader.h"

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/temp_files.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPolicyInline[] =
    "policy: {rules: [{name: all, callers: [\"*\"], registrations: [\"*\"], grants: [\"*\"], "
    "scopes: "
    "[\"*\"]}]}\n";

class ConfigReloaderTest : public ::testing::Test {
 protected:
  ConfigReloaderTest() {
    folder_.Write("secret", "s");
    Replace(Configuration("secret"));
    Poll();
    applied_ = 0;
  }

  /// One whose registration's secret lies in `secret_file`.
  std::string Configuration(const std::string& secret_file,
                            const std::string& policy = kPolicyInline) const {
    return absl::StrCat(
        "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}, identity: tests}]\n"
        "authorities: [{name: dev, oidc: {issuer: \"https://login.example\"}}]\n"
        "registrations: [{name: orders, authority: dev, client_id: c, credentials: [{secret: "
        "{value: "
        "\"file:",
        secret_file, "\"}}]}]\n", policy);
  }
  /// Swaps the file as an operator's tools do it: whole, by a rename.
  void Replace(const std::string& text) {
    std::rename(folder_.Write("new", text).c_str(), path_.c_str());
  }
  void Poll(bool asked = false) {
    polled_ = reloader_.Poll(asked, logger_, [this](const config::v1::ServiceConfig& config) {
      ++applied_;
      last_ = config;
      return answer_;
    });
  }
  std::size_t Refusals() const { return logger_.Count("configuration_refused"); }
  void PassRetryInterval() { clock_.Advance(ConfigReloader::kRetryInterval); }

  TempFolder folder_;
  absl::Status polled_;
  const std::string path_ = folder_.Path("tokensvc.yaml");
  testing::FakeClock clock_;
  testing::CapturingLogger logger_;
  absl::Status answer_;
  int applied_ = 0;
  config::v1::ServiceConfig last_;
  ConfigReloader reloader_{path_, clock_};
};

TEST_F(ConfigReloaderTest, ReadsWhenTheFileChangedOrWhenAsked) {
  PassRetryInterval();
  Poll();
  EXPECT_EQ(applied_, 0) << "nothing happened";
  EXPECT_TRUE(polled_.ok());
  Poll(/*asked=*/true);
  EXPECT_EQ(applied_, 1);
  Replace(absl::StrCat(Configuration("secret"), "server: {loops: 3}\n"));
  Poll();
  EXPECT_EQ(applied_, 2);
  EXPECT_EQ(last_.server().loops(), 3u);
  Poll();
  EXPECT_EQ(applied_, 2);
}

TEST_F(ConfigReloaderTest, LoadsOnceTheSecretIsThereThatWasMissing) {
  Replace(Configuration("late"));
  Poll();
  EXPECT_EQ(Refusals(), 1u);
  EXPECT_THAT(logger_.AllText(), HasSubstr("registrations[0].credentials[0].secret.value"));
  folder_.Write("late", "s");
  Poll();
  EXPECT_EQ(applied_, 0) << "not yet";
  PassRetryInterval();
  Poll();
  EXPECT_EQ(applied_, 1);
  PassRetryInterval();
  Poll();
  EXPECT_EQ(applied_, 1) << "and no more, for it loaded";
  EXPECT_EQ(Refusals(), 1u);
}

TEST_F(ConfigReloaderTest, RetriesWhatCouldNotBePutInForce) {
  answer_ = absl::FailedPreconditionError("not today");
  Poll(/*asked=*/true);
  EXPECT_EQ(Refusals(), 1u);
  EXPECT_THAT(logger_.AllText(), HasSubstr("not today"));
  EXPECT_EQ(polled_.message(), "not today");
  answer_ = absl::OkStatus();
  PassRetryInterval();
  Poll();
  EXPECT_EQ(applied_, 2);
}

TEST_F(ConfigReloaderTest, SaysARefusalAgainOnlyToWhoAsksOrWhereItIsAnother) {
  Replace(Configuration("late"));
  Poll();
  for (int i = 0; i < 3; ++i) {
    PassRetryInterval();
    Poll();
  }
  EXPECT_EQ(Refusals(), 1u) << "retries are quiet";
  folder_.Write("late", "everyone may read this", 0644);
  PassRetryInterval();
  Poll();
  EXPECT_EQ(Refusals(), 2u) << "something else is wrong now";
  Poll(/*asked=*/true);
  EXPECT_EQ(Refusals(), 3u);
  Replace(Configuration("late"));
  Poll();
  EXPECT_EQ(Refusals(), 4u);
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("everyone may read this")));
}

TEST_F(ConfigReloaderTest, MissesNoChangeBetweenItsOwnStartAndTheFirstReading) {
  ConfigReloader reloader(path_, clock_);
  Replace(absl::StrCat(Configuration("secret"), "server: {loops: 5}\n"));
  int applied = 0;
  const absl::Status polled =
      reloader.Poll(false, logger_, [&applied](const config::v1::ServiceConfig& config) {
        ++applied;
        EXPECT_EQ(config.server().loops(), 5u);
        return absl::OkStatus();
      });
  EXPECT_EQ(applied, 1);
  EXPECT_TRUE(polled.ok());
}

class ConfigReloaderPolicyTest : public ConfigReloaderTest {
 protected:
  ConfigReloaderPolicyTest() {
    WritePolicy("policy.yaml", "first");
    Replace(Configuration("secret", "policy_file: policy.yaml\n"));
    EXPECT_TRUE(reloader_.Read().ok());
    Poll();
    applied_ = 0;
  }

  /// One with a single rule, called `rule`. Swapped whole.
  void WritePolicy(const std::string& name, const std::string& rule,
                   const std::string& registration = "orders") {
    const std::string text =
        absl::StrCat("rules: [{name: ", rule, ", callers: [\"local:tests\"], registrations: [",
                     registration, "], grants: [\"*\"], scopes: [\"*\"]}]\n");
    std::rename(folder_.Write("new", text).c_str(), folder_.Path(name).c_str());
  }
  std::string RuleInForce() const { return last_.policy().rules(0).name(); }
};

TEST_F(ConfigReloaderPolicyTest, FollowsThePolicysFile) {
  Poll();
  EXPECT_EQ(applied_, 0) << "nothing happened";
  WritePolicy("policy.yaml", "second");
  Poll();
  EXPECT_EQ(applied_, 1);
  EXPECT_EQ(RuleInForce(), "second");
  Poll();
  EXPECT_EQ(applied_, 1);
}

TEST_F(ConfigReloaderPolicyTest, ABrokenPolicyLeavesTheOldOneInForceUntilItIsRepaired) {
  WritePolicy("policy.yaml", "second", "unheard-of");
  Poll();
  EXPECT_EQ(applied_, 0);
  EXPECT_EQ(Refusals(), 1u);
  EXPECT_THAT(logger_.AllText(), HasSubstr("line 1, column 66: rules[0].registrations[0]"));
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("unheard-of")));
  WritePolicy("policy.yaml", "third");
  Poll();
  EXPECT_EQ(applied_, 1) << "at once, without the wait of a retry";
  EXPECT_EQ(RuleInForce(), "third");
  EXPECT_EQ(Refusals(), 1u);
}

TEST_F(ConfigReloaderPolicyTest, FollowsTheNewFileWhereAReloadNamesAnother) {
  WritePolicy("other.yaml", "other");
  Replace(Configuration("secret", "policy_file: other.yaml\n"));
  Poll();
  EXPECT_EQ(RuleInForce(), "other");
  applied_ = 0;
  WritePolicy("policy.yaml", "second");
  Poll();
  EXPECT_EQ(applied_, 0) << "that file is no longer the policy's";
  WritePolicy("other.yaml", "another");
  Poll();
  EXPECT_EQ(applied_, 1);
  EXPECT_EQ(RuleInForce(), "another");
}

TEST_F(ConfigReloaderPolicyTest, NoticesTheRepairOfANewFileThatWasRefused) {
  WritePolicy("other.yaml", "other", "unheard-of");
  Replace(Configuration("secret", "policy_file: other.yaml\n"));
  Poll();
  EXPECT_EQ(applied_, 0);
  WritePolicy("other.yaml", "other");
  Poll();
  EXPECT_EQ(applied_, 1);
  EXPECT_EQ(RuleInForce(), "other");
}

TEST_F(ConfigReloaderPolicyTest, StopsFollowingWhereThePolicyMovesIntoTheConfiguration) {
  Replace(Configuration("secret"));
  Poll();
  EXPECT_EQ(applied_, 1);
  WritePolicy("policy.yaml", "second");
  Poll();
  EXPECT_EQ(applied_, 1);
}

TEST_F(ConfigReloaderPolicyTest, MissesNoChangeOfThePolicyAfterTheFirstReading) {
  ConfigReloader reloader(path_, clock_);
  ASSERT_TRUE(reloader.Read().ok());
  WritePolicy("policy.yaml", "second");
  int applied = 0;
  const absl::Status polled =
      reloader.Poll(false, logger_, [&applied](const config::v1::ServiceConfig& config) {
        ++applied;
        EXPECT_EQ(config.policy().rules(0).name(), "second");
        return absl::OkStatus();
      });
  EXPECT_EQ(applied, 1);
  EXPECT_TRUE(polled.ok());
}

TEST_F(ConfigReloaderPolicyTest, APolicyThatIsAwayForAMomentIsNoChange) {
  std::rename(folder_.Path("policy.yaml").c_str(), folder_.Path("aside").c_str());
  Poll();
  EXPECT_EQ(Refusals(), 0u);
  EXPECT_EQ(applied_, 0);
}

}  // namespace
}  // namespace tokensvc
