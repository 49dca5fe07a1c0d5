// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/resp_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/redis/redis_command.h"
#include "cache/redis/redis_error.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = RespValue::Kind;

RespValue Text(Kind kind, std::string text) {
  RespValue value;
  value.kind = kind;
  value.text = std::move(text);
  return value;
}
RespValue Integer(std::int64_t integer) {
  RespValue value;
  value.kind = Kind::kInteger;
  value.integer = integer;
  return value;
}
RespValue Array(std::vector<RespValue> elements) {
  RespValue value;
  value.kind = Kind::kArray;
  value.elements = std::move(elements);
  return value;
}

// All replies in `bytes`, fed `piece` bytes at a time, or the first error.
absl::StatusOr<std::vector<RespValue>> Read(absl::string_view bytes, std::size_t piece,
                                            std::size_t max_reply_size = 1 << 20) {
  RespReader reader(max_reply_size);
  std::vector<RespValue> replies;
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    if (const absl::Status status = reader.Feed(bytes.substr(i, piece)); !status.ok()) {
      return status;
    }
    while (true) {
      absl::StatusOr<std::optional<RespValue>> reply = reader.Next();
      if (!reply.ok()) return reply.status();
      if (!reply->has_value()) break;
      replies.push_back(**std::move(reply));
    }
  }
  return replies;
}

absl::StatusCode CodeOf(absl::string_view bytes, std::size_t max_reply_size = 1 << 20) {
  const absl::StatusCode whole = Read(bytes, bytes.size(), max_reply_size).status().code();
  EXPECT_EQ(Read(bytes, 1, max_reply_size).status().code(), whole);
  return whole;
}

TEST(RespReaderTest, ReadsEveryKindOfReplyHoweverItIsCut) {
  const std::string bytes =
      "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\r\nb\n\r\n$0\r\n\r\n$-1\r\n*0\r\n"
      "*2\r\n*1\r\n:1\r\n$1\r\nx\r\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, bytes.size()}) {
    const auto replies = Read(bytes, piece);
    ASSERT_TRUE(replies.ok()) << replies.status();
    EXPECT_THAT(*replies,
                ElementsAre(Text(Kind::kStatus, "OK"), Text(Kind::kError, "ERR no"), Integer(-42),
                            Text(Kind::kString, "a\r\nb\n"), Text(Kind::kString, ""), RespValue(),
                            Array({}), Array({Array({Integer(1)}), Text(Kind::kString, "x")})));
  }
}

TEST(RespReaderTest, HasNoReplyBeforeItIsComplete) {
  const auto replies = Read("$5\r\nhello\r", 1);
  ASSERT_TRUE(replies.ok());
  EXPECT_THAT(*replies, IsEmpty());
}

TEST(RespReaderTest, RefusesALargeStringByItsHeader) {
  EXPECT_EQ(CodeOf("$1073741824\r\n"), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("$9223372036854775807\r\n"), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("$1048577\r\n"), absl::StatusCode::kResourceExhausted);
}

TEST(RespReaderTest, RefusesALargeArrayByItsHeader) {
  EXPECT_EQ(CodeOf("*1073741824\r\n"), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("*4097\r\n"), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("*4096\r\n"), absl::StatusCode::kOk);
}

TEST(RespReaderTest, RefusesArraysWithinArraysWithinArrays) {
  EXPECT_EQ(CodeOf("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"), absl::StatusCode::kResourceExhausted);
}

TEST(RespReaderTest, AReplyHasAllBytesItMayHaveAndNotOneMore) {
  EXPECT_EQ(CodeOf("$2\r\nab\r\n", 8), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf("$2\r\nab\r\n", 7), absl::StatusCode::kResourceExhausted);
  // Each reply counts for itself, and the elements of one together.
  EXPECT_EQ(CodeOf("$2\r\nab\r\n$2\r\nab\r\n", 8), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf("*2\r\n$2\r\nab\r\n$2\r\nab\r\n", 19), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("*2\r\n$2\r\nab\r\n$2\r\nab\r\n", 20), absl::StatusCode::kOk);
}

TEST(RespReaderTest, RefusesALineWithoutEnd) {
  EXPECT_EQ(CodeOf("+" + std::string(100, 'x'), 64), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(":" + std::string(100, '1')), absl::StatusCode::kInternal);
}

TEST(RespReaderTest, RefusesWhatIsNoResp) {
  for (const char* bytes : {"HTTP/1.1 400 Bad Request\r\n", ">1\r\n", "%1\r\n", "_\r\n",
                            "$05\r\nhello\r\n", "$-2\r\n", "*-2\r\n", "$\r\n", ":\r\n", ":1x\r\n",
                            ":+1\r\n", ":-0\r\n", "$3\r\nabcde\r\n", "$1\ra", "\r\n"}) {
    EXPECT_EQ(CodeOf(bytes), absl::StatusCode::kInternal) << bytes;
  }
}

TEST(RedisCommandTest, IsAnArrayOfStringsOfAnyBytes) {
  std::string wire = "before";
  ASSERT_TRUE(AppendCommand({"SET", std::string("\0\r\n", 3), ""}, wire).ok());
  EXPECT_EQ(wire, absl::StrCat("before*3\r\n$3\r\nSET\r\n$3\r\n", std::string("\0\r\n", 3),
                               "\r\n$0\r\n\r\n"));
}

TEST(RedisErrorTest, AStatusShowsACodeThatWeKnowAndNothingElseOfTheServers) {
  const absl::Status known =
      RedisErrorStatus(Text(Kind::kError, "OOM command not allowed, args: 'canary'"));
  EXPECT_EQ(known.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(known.message()), HasSubstr("OOM"));
  EXPECT_THAT(std::string(known.message()), Not(HasSubstr("canary")));
  const absl::Status unknown = RedisErrorStatus(Text(Kind::kError, "CANARY of the server"));
  EXPECT_EQ(unknown.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(unknown.message()), Not(HasSubstr("CANARY")));
}

}  // namespace
}  // namespace tokensvc
