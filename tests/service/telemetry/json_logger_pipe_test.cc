// SPDX-License-Identifier: Apache-2.0
// A device that takes nothing: nobody who logs may wait for it.
#include <fcntl.h>

#include <string>

#include "base/json.h"
#include "gtest/gtest.h"
#include "service/telemetry/json_logger.h"
#include "tests/service/telemetry/pipe.h"

namespace tokensvc {
namespace {

/// With the pipe's flags: a write that waits, and one that says EAGAIN.
class StuckPipeTest : public ::testing::TestWithParam<int> {
 protected:
  static constexpr int kLines = 3000;

  /// More than pipe and queue can hold together.
  static void Flood(Logger& logger) {
    const std::string filling(1000, 'x');
    for (int i = 0; i < kLines; ++i) logger.Info("e", {{"i", i}, {"filling", filling}});
  }

  testing::Pipe pipe_{GetParam()};
};

TEST_P(StuckPipeTest, BlocksNoCallerAndSaysHowManyLinesWereDropped) {
  JsonLogger logger({.fd = pipe_.writing(), .max_queued_lines = 20});
  Flood(logger);
  // Only now somebody reads.
  int written = 0;
  int dropped = 0;
  int last = -1;
  while (written + dropped < kLines) {
    const absl::StatusOr<Json> line = ParseJsonObject(pipe_.ReadLine().value_or(""));
    ASSERT_TRUE(line.ok()) << line.status();
    if (StringMember(*line, "event") == "log_lines_dropped") {
      EXPECT_EQ(StringMember(*line, "severity"), "warning");
      EXPECT_GT(line->value("count", 0), 0);
      dropped += line->value("count", 0);
    } else {
      EXPECT_GT(line->value("i", -1), last);
      last = line->value("i", -1);
      ++written;
    }
  }
  EXPECT_EQ(written + dropped, kLines) << "every line was written or counted, and none twice";
  EXPECT_GT(dropped, 0);
  EXPECT_GE(written, 20);
  // The drops were reported once; it goes on as if nothing had been.
  logger.Info("afterwards");
  const absl::StatusOr<Json> after = ParseJsonObject(pipe_.ReadLine().value_or(""));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(StringMember(*after, "event"), "afterwards");
}

TEST_P(StuckPipeTest, EndsAndWritesNoLineThatItHadNotBegunBeforeItsEnd) {
  {
    JsonLogger logger({.fd = pipe_.writing()});
    Flood(logger);
  }  // returns although nobody reads
  // The descriptor may be another file's from here on. At most the line comes that waits already;
  // the pipe itself holds some sixty.
  int lines = 0;
  while (lines < 1000 && pipe_.WaitForBytes(200) && pipe_.ReadLine().has_value()) ++lines;
  EXPECT_GT(lines, 0);
  EXPECT_LT(lines, 1000);
}

INSTANTIATE_TEST_SUITE_P(Flags, StuckPipeTest, ::testing::Values(0, O_NONBLOCK));

TEST(JsonLoggerEndTest, WritesWhatIsQueuedBeforeItEnds) {
  testing::Pipe pipe;
  {
    JsonLogger logger({.fd = pipe.writing()});
    for (int i = 0; i < 100; ++i) logger.Info("e", {{"i", i}});
  }
  pipe.CloseWriting();
  for (int i = 0; i < 100; ++i) {
    const absl::StatusOr<Json> line = ParseJsonObject(pipe.ReadLine().value_or(""));
    ASSERT_TRUE(line.ok()) << line.status();
    EXPECT_EQ(line->value("i", -1), i);
  }
  EXPECT_EQ(pipe.ReadLine(), std::nullopt);
  EXPECT_EQ(pipe.rest(), "");
}

TEST(JsonLoggerEndTest, EndsWithoutALineAndWithADescriptorThatIsNone) {
  testing::Pipe pipe;
  { JsonLogger logger({.fd = pipe.writing()}); }
  {
    JsonLogger logger({.fd = -1});
    logger.Error("nobody_sees_this");
  }
  pipe.CloseWriting();
  EXPECT_EQ(pipe.ReadLine(), std::nullopt);
}

}  // namespace
}  // namespace tokensvc
