// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/json_logger.h"

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/telemetry/pipe.h"

namespace tokensvc {
namespace {

class JsonLoggerTest : public ::testing::Test {
 protected:
  JsonLogger& logger() { return logger_; }

  /// The next line, which must be one JSON object.
  Json Next() {
    line_ = pipe_.ReadLine().value_or("");
    const absl::StatusOr<Json> parsed = ParseJsonObject(line_);
    EXPECT_TRUE(parsed.ok()) << parsed.status() << ": " << line_;
    return parsed.ok() ? *parsed : Json::object();
  }
  const std::string& line() const { return line_; }

  /// How `value` reads after it was logged.
  std::string Logged(absl::string_view value) {
    logger_.Info("e", {{"v", value}});
    return Next().value("v", "absent");
  }

 private:
  testing::Pipe pipe_;
  JsonLogger logger_{{.fd = pipe_.writing()}};
  std::string line_;
};

TEST_F(JsonLoggerTest, WritesTimeSeverityEventAndFields) {
  logger().Warning("flight_landed", {{"text", "t"},
                                     {"whole", 3},
                                     {"long", -9000000000000000000LL},
                                     {"number", 0.25},
                                     {"yes", true},
                                     {"no", false}});
  const Json line = Next();
  EXPECT_EQ(line["severity"], "warning");
  EXPECT_EQ(line["event"], "flight_landed");
  EXPECT_EQ(line["text"], "t");
  EXPECT_EQ(line["whole"], 3);
  EXPECT_EQ(line["long"], -9000000000000000000LL);
  EXPECT_EQ(line["number"], 0.25);
  EXPECT_EQ(line["yes"], true);
  EXPECT_EQ(line["no"], false);
  EXPECT_THAT(std::string(StringMember(line, "time")),
              ::testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{6}Z"));
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, StringMember(line, "time"), &time, &error));
}

TEST_F(JsonLoggerTest, NamesEverySeverityAndDropsThoseBelowItsLevel) {
  EXPECT_FALSE(logger().Enabled(LogSeverity::kDebug));
  EXPECT_TRUE(logger().Enabled(LogSeverity::kInfo));
  logger().Debug("unseen");
  logger().Write(LogSeverity::kDebug, "unseen", {});
  logger().Info("a");
  logger().Warning("b");
  logger().Error("c");
  EXPECT_EQ(Next()["severity"], "info");
  EXPECT_EQ(Next()["severity"], "warning");
  EXPECT_EQ(Next()["severity"], "error");
}

TEST(JsonLoggerLevelTest, FiltersByTheLevelOfItsOptions) {
  testing::Pipe pipe;
  {
    JsonLogger errors({.fd = pipe.writing(), .level = LogSeverity::kError});
    errors.Warning("unseen");
    errors.Error("seen");
  }
  {
    JsonLogger all({.fd = pipe.writing(), .level = LogSeverity::kDebug});
    all.Debug("seen_too");
  }
  pipe.CloseWriting();
  EXPECT_THAT(pipe.ReadLine().value_or(""), ::testing::HasSubstr("\"seen\""));
  EXPECT_THAT(pipe.ReadLine().value_or(""),
              ::testing::HasSubstr("\"debug\",\"event\":\"seen_too\""));
  EXPECT_EQ(pipe.ReadLine(), std::nullopt);
}

TEST_F(JsonLoggerTest, EscapesWhateverWouldEndAValueOrALine) {
  for (int byte = 0; byte < 128; ++byte) {
    const std::string text = "a" + std::string(1, static_cast<char>(byte)) + "b";
    EXPECT_EQ(Logged(text), text) << byte;
    for (const char c : line()) EXPECT_TRUE(c >= 0x20 && c != 0x7f) << byte;
  }
  const std::string forged = "x\"}\n{\"event\":\"forged\",\"a\":\"\\";
  EXPECT_EQ(Logged(forged), forged);
  EXPECT_EQ(Logged("\r\n\x1b[31mred\x1b[0m"), "\r\n\x1b[31mred\x1b[0m");
}

TEST_F(JsonLoggerTest, EscapesNamesAndEventsToo) {
  logger().Info("ev\"\nent", {{"na\"\nme", "v"}});
  const Json line = Next();
  EXPECT_EQ(line["event"], "ev\"\nent");
  EXPECT_EQ(line["na\"\nme"], "v");
}

TEST_F(JsonLoggerTest, KeepsUtf8AndReplacesWhatIsNone) {
  const std::string valid = "\u00e9\u20ac\U0001F511\U0010FFFF\u0800\uD7FF\uE000";
  EXPECT_EQ(Logged(valid), valid);
  const std::string bad = "\xEF\xBF\xBD";  // U+FFFD
  EXPECT_EQ(Logged("a\xff"
                   "b"),
            "a" + bad + "b");
  EXPECT_EQ(Logged("\xc0\xaf"), bad + bad);
  EXPECT_EQ(Logged("\xed\xa0\x80"), bad + bad + bad);
  EXPECT_EQ(Logged("\xf4\x90\x80\x80"), bad + bad + bad + bad);
  EXPECT_EQ(Logged("\xe0\x80\xaf"), bad + bad + bad);
  EXPECT_EQ(Logged("end\xe2\x82"), "end" + bad + bad);
  EXPECT_EQ(Logged("\xc3"), bad);
}

TEST_F(JsonLoggerTest, CutsHugeValues) {
  const std::string ellipsis = "\u2026";
  EXPECT_EQ(Logged(std::string(2048, 'v')), std::string(2048, 'v'));
  EXPECT_EQ(Logged(std::string(2049, 'v')), std::string(2048, 'v') + ellipsis);
  EXPECT_EQ(Logged(std::string(5000000, 'v')), std::string(2048, 'v') + ellipsis);
  // The cut falls into a character.
  EXPECT_EQ(Logged(std::string(2047, 'v') + "\u00e9" + "w").substr(0, 2047),
            std::string(2047, 'v'));
}

TEST_F(JsonLoggerTest, CutsLinesBetweenFieldsAndSaysSo) {
  const std::string big(2000, 'v');
  logger().Info("e", {{"a", big}, {"b", big}, {"c", big}, {"d", big}, {"e", big}, {"f", 1}});
  const Json cut = Next();
  EXPECT_EQ(cut["truncated"], true);
  EXPECT_EQ(cut["a"], big);
  EXPECT_EQ(cut["d"], big);
  EXPECT_FALSE(cut.contains("e") && cut["e"] == big);
  EXPECT_FALSE(cut.contains("f"));
  EXPECT_LT(line().size(), 8300u);
  // Escapes make six bytes of one.
  logger().Info("e", {{"a", std::string(2048, '\x01')}, {"b", 1}});
  EXPECT_EQ(Next()["truncated"], true);
  logger().Info(std::string(100000, '\x01'), {{"a", 1}});
  EXPECT_EQ(Next()["truncated"], true);
}

TEST_F(JsonLoggerTest, WritesNumbersThatJsonHas) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  logger().Info("e", {{"a", kInfinity},
                      {"b", -kInfinity},
                      {"c", std::numeric_limits<double>::quiet_NaN()},
                      {"d", 1e300},
                      {"e", 100000000.0},
                      {"f", -0.0},
                      {"g", std::numeric_limits<long long>::min()}});
  const Json line = Next();
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(line[name].is_null()) << name;
  EXPECT_EQ(line["d"], 1e300);
  EXPECT_EQ(line["e"], 1e8);
  EXPECT_EQ(line["f"], 0.0);
  EXPECT_EQ(line["g"], std::numeric_limits<long long>::min());
}

TEST_F(JsonLoggerTest, KeepsTheLinesOfManyThreadsWholeAndEachThreadsInOrder) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      const std::string filling(500, 'x');
      for (int i = 0; i < 200; ++i) {
        logger().Info("e", {{"thread", t}, {"i", i}, {"filling", filling}});
      }
    });
  }
  int next[4] = {};
  for (int n = 0; n < 800; ++n) {
    const Json line = Next();
    const int thread = line.value("thread", 0);
    EXPECT_EQ(line.value("i", -1), next[thread]++);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tokensvc
