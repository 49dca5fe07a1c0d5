// SPDX-License-Identifier: Apache-2.0
// What is right and wrong in audit.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/service/config/config_testing.h"
#include "tests/service/config/temp_files.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Audit(absl::string_view keys) {
  return SmallConfigAnd(absl::StrCat("audit: {", keys, "}\n"));
}

TEST(ConfigAudit, IsAbsentUnlessItIsWritten) {
  const auto config = ParseConfig(kSmallConfig);
  ASSERT_TRUE(config.ok());
  EXPECT_FALSE(config->has_audit());
}

TEST(ConfigAudit, TheDefaultsAreTheDocumentedOnes) {
  const auto config = ParseConfig(Audit("file: {path: audit.log}"));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->audit().mode(), config::v1::AUDIT_MODE_FAIL_OPEN);
  EXPECT_EQ(config->audit().coalesce_window().seconds(), 1);
  EXPECT_EQ(config->audit().max_queue_size(), 16u << 20);
  EXPECT_EQ(config->audit().acknowledge_within().seconds(), 2);
  EXPECT_EQ(config->audit().denials_per_caller(), 100u);
  EXPECT_EQ(config->audit().denials_in_total(), 1000u);
  const auto syslog = ParseConfig(Audit("syslog: {}"));
  ASSERT_TRUE(syslog.ok());
  EXPECT_EQ(syslog->audit().syslog().socket(), "/dev/log");
}

TEST(ConfigAudit, NeedsExactlyOneSink) {
  EXPECT_THAT(ErrorsOf(Audit("mode: fail_open")), ElementsAre(ErrorAt("audit", "")));
  EXPECT_THAT(ErrorsOf(Audit("stdout: {}, syslog: {}")), ::testing::SizeIs(1));
  EXPECT_THAT(ErrorsOf(Audit("stdout: {}")), IsEmpty());
}

TEST(ConfigAudit, OnlyAFileCanFailClosed) {
  EXPECT_THAT(ErrorsOf(Audit("file: {path: a}, mode: fail_closed")), IsEmpty());
  for (const char* sink : {"stdout: {}", "syslog: {}"}) {
    EXPECT_THAT(ErrorsOf(Audit(absl::StrCat(sink, ", mode: fail_closed"))),
                ElementsAre(ErrorAt("audit.mode", "Write file, or mode: fail_open")));
  }
}

TEST(ConfigAudit, ACallersLimitFitsIntoTheOneInTotal) {
  EXPECT_THAT(ErrorsOf(Audit("stdout: {}, denials_per_caller: 2000")),
              ElementsAre(ErrorAt("audit.denials_in_total", "not be less")));
  EXPECT_THAT(ErrorsOf(Audit("stdout: {}, denials_per_caller: 5, denials_in_total: 5")), IsEmpty());
}

TEST(ConfigAudit, TheFingerprintKeyIsASecretOfSomeLength) {
  EXPECT_THAT(ErrorsOf(Audit("stdout: {}, fingerprint_key: \"0123456789abcdef\"")),
              ElementsAre(ErrorAt("audit.fingerprint_key", "")));
}

TEST(ConfigAudit, AFingerprintKeyThatIsTooShortIsReportedWithoutShowingIt) {
  const TempFolder folder;
  folder.Write("secret", "s3cret");
  std::string text = SmallConfigWith("env:ORDERS_SECRET", "\"file:secret\"");
  text += "audit: {stdout: {}, fingerprint_key: \"file:key\"}\n";
  const std::string file = folder.Write("config.yaml", text);
  folder.Write("key", "0123456789abcde\n");
  const ConfigResult refused = LoadConfig(file);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error(),
              ElementsAre(ErrorAt("audit.fingerprint_key", "must be at least 16 bytes long")));
  folder.Write("key", "0123456789abcdef\n");
  EXPECT_TRUE(LoadConfig(file).ok());
}

}  // namespace
}  // namespace tokensvc
