// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/library_logs.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/telemetry/json_logger.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"
#include "tokensvc/v1/token_service.pb.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LibraryLogsTest : public ::testing::Test {
 protected:
  ~LibraryLogsTest() override {
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "no library writes by itself";
  }

  /// What a caller sends whose request names a registration in bytes that are no text.
  static void ParseInvalidUtf8() {
    EXPECT_FALSE(v1::AcquireForClientRequest().ParseFromString("\x0a\x02\xff\xfe"));
  }

  const bool captured_ = [] {
    ::testing::internal::CaptureStderr();
    return true;
  }();
  testing::FakeClock clock_;
  testing::CapturingLogger logger_;
};

TEST_F(LibraryLogsTest, ShowsWhereALibraryHadSomethingToSayAndWhat) {
  const LibraryLogs logs(logger_, clock_);
  ParseInvalidUtf8();
  gpr_log("src/core/lib/somewhere.cc", 12, GPR_LOG_SEVERITY_ERROR, "no %s today", "luck");
  ASSERT_EQ(logger_.lines().size(), 2u);
  testing::CapturingLogger::Line line = logger_.lines()[0];
  EXPECT_EQ(line.event, "protobuf_log");
  EXPECT_EQ(line.severity, LogSeverity::kError);
  EXPECT_THAT(line.fields["text"], HasSubstr("tokensvc.v1.AcquireForClientRequest.registration"));
  line = logger_.lines()[1];
  EXPECT_EQ(line.event, "grpc_log");
  EXPECT_EQ(line.severity, LogSeverity::kError);
  EXPECT_EQ(line.fields["where"], "somewhere.cc:12");
  EXPECT_EQ(line.fields["text"], "no luck today");
  EXPECT_EQ(line.fields["dropped"], "0");
}

TEST_F(LibraryLogsTest, KeepsProtobufsSeverities) {
  const LibraryLogs logs(logger_, clock_);
  GOOGLE_LOG(INFO) << "i";
  GOOGLE_LOG(WARNING) << "w";
  ASSERT_EQ(logger_.lines().size(), 2u);
  EXPECT_EQ(logger_.lines()[0].severity, LogSeverity::kInfo);
  EXPECT_EQ(logger_.lines()[1].severity, LogSeverity::kWarning);
}

TEST_F(LibraryLogsTest, ShowsOfGrpcErrorsOnly) {
  const LibraryLogs logs(logger_, clock_);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_DEBUG);
  gpr_log(GPR_DEBUG, "trace of a header");
  gpr_log(GPR_INFO, "trace of a header");
  EXPECT_EQ(logger_.lines().size(), 0u);
}

TEST_F(LibraryLogsTest, ShowsNoValueOfAHeader) {
  const LibraryLogs logs(logger_, clock_);
  gpr_log(GPR_ERROR, "Error parsing metadata: error=invalid value key=grpc-timeout value=CANARY");
  EXPECT_THAT(logger_.AllText(), HasSubstr("key=grpc-timeout"));
  EXPECT_THAT(logger_.AllText(), Not(HasSubstr("CANARY")));
}

TEST_F(LibraryLogsTest, CutsLongText) {
  const LibraryLogs logs(logger_, clock_);
  gpr_log(GPR_ERROR, "%s", std::string(100'000, 'x').c_str());
  EXPECT_EQ(logger_.lines().at(0).fields["text"], std::string(LibraryLogs::kMaxTextBytes, 'x'));
}

TEST_F(LibraryLogsTest, PassesSoManyLinesOfALibraryInASecondAndCountsTheOthers) {
  const LibraryLogs logs(logger_, clock_);
  const auto allowed = static_cast<std::size_t>(LibraryLogs::kLinesPerSecond);
  for (std::size_t i = 0; i < allowed + 25; ++i) ParseInvalidUtf8();
  EXPECT_EQ(logger_.Count("protobuf_log"), allowed);
  gpr_log(GPR_ERROR, "another library's share is its own");
  EXPECT_EQ(logger_.Count("grpc_log"), 1u);

  clock_.Advance(absl::Seconds(1));
  ParseInvalidUtf8();
  ParseInvalidUtf8();
  ASSERT_EQ(logger_.Count("protobuf_log"), allowed + 2);
  const auto lines = logger_.lines();
  EXPECT_EQ(lines[lines.size() - 2].fields.at("dropped"), "25");
  EXPECT_EQ(lines.back().fields.at("dropped"), "0");
}

TEST_F(LibraryLogsTest, IsSilentFromItsEndOn) {
  { const LibraryLogs logs(logger_, clock_); }
  ParseInvalidUtf8();
  gpr_log(GPR_ERROR, "too late");
  EXPECT_EQ(logger_.lines().size(), 0u);
}

TEST(LibraryLogsDeathTest, TheLogSaysWhyALibraryAborts) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        JsonLogger logger({.fd = 2});
        const testing::FakeClock clock;
        const LibraryLogs logs(logger, clock);
        for (int i = 0; i < 2 * LibraryLogs::kLinesPerSecond; ++i) gpr_log(GPR_ERROR, "flood");
        GPR_ASSERT(logger.Enabled(LogSeverity::kDebug));
      },
      "\"grpc_log\".*assertion failed: logger.Enabled");
}

}  // namespace
}  // namespace tokensvc
