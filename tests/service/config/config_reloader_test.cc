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

class ConfigReloaderTest : public ::testing::Test {
 protected:
  ConfigReloaderTest() {
    folder_.Write("secret", "s");
    Replace(Configuration("secret"));
    Poll();
    applied_ = 0;
  }

  /// One whose registration's secret lies in `secret_file`.
  std::string Configuration(const std::string& secret_file) const {
    return absl::StrCat(
        "listeners: [{name: local, address: \"127.0.0.1:0\", plaintext: {}}]\n"
        "authorities: [{name: dev, oidc: {issuer: \"https://login.example\"}}]\n"
        "registrations: [{name: orders, authority: dev, client_id: c, credentials: [{secret: "
        "{value: "
        "\"file:",
        secret_file, "\"}}]}]\n");
  }
  /// Swaps the file as an operator's tools do it: whole, by a rename.
  void Replace(const std::string& text) {
    std::rename(folder_.Write("new", text).c_str(), path_.c_str());
  }
  void Poll(bool asked = false) {
    reloader_.Poll(asked, logger_, [this](const config::v1::ServiceConfig& config) {
      ++applied_;
      last_ = config;
      return answer_;
    });
  }
  std::size_t Refusals() const { return logger_.Count("configuration_refused"); }
  void PassRetryInterval() { clock_.Advance(ConfigReloader::kRetryInterval); }

  TempFolder folder_;
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
  reloader.Poll(false, logger_, [&applied](const config::v1::ServiceConfig& config) {
    ++applied;
    EXPECT_EQ(config.server().loops(), 5u);
    return absl::OkStatus();
  });
  EXPECT_EQ(applied, 1);
}

}  // namespace
}  // namespace tokensvc
