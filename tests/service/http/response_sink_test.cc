// SPDX-License-Identifier: Apache-2.0
#include "service/http/response_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ResponseSink, CollectsHeadersInLowerCaseAndTheBody) {
  ResponseSink sink(100);
  for (const char* line : {"HTTP/1.1 200 OK\r\n", "Content-Type:  application/json \r\n",
                           "RETRY-AFTER:3\r\n", "\r\n"}) {
    ASSERT_TRUE(sink.AddHeaderLine(line));
  }
  ASSERT_TRUE(sink.AddBody("one "));
  ASSERT_TRUE(sink.AddBody("two"));
  const HttpResponse response = sink.Take(200);
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.headers,
              ElementsAre(Pair("content-type", "application/json"), Pair("retry-after", "3")));
  EXPECT_EQ(response.Header("retry-after"), "3");
  EXPECT_EQ(response.Header("absent"), "");
  EXPECT_EQ(response.body.Reveal(), "one two");
}

TEST(ResponseSink, TheFirstOfSeveralHeadersCounts) {
  ResponseSink sink(0);
  ASSERT_TRUE(sink.AddHeaderLine("a: 1\r\n"));
  ASSERT_TRUE(sink.AddHeaderLine("A: 2\r\n"));
  EXPECT_EQ(sink.Take(200).Header("a"), "1");
}

TEST(ResponseSink, AnInterimAnswerAndTrailersDoNotCount) {
  ResponseSink sink(10);
  for (const char* line : {"HTTP/1.1 103 Early Hints\r\n", "link: x\r\n", "\r\n",
                           "HTTP/1.1 200 OK\r\n", "a: 1\r\n", "\r\n"}) {
    ASSERT_TRUE(sink.AddHeaderLine(line));
  }
  ASSERT_TRUE(sink.AddBody("x"));
  ASSERT_TRUE(sink.AddHeaderLine("trailer: x\r\n"));
  EXPECT_THAT(sink.Take(200).headers, ElementsAre(Pair("a", "1")));
}

TEST(ResponseSink, AllowsExactlyTheBodyItIsToldTo) {
  ResponseSink sink(5000);
  ASSERT_TRUE(sink.AddBody(std::string(4999, 'x')));
  ASSERT_TRUE(sink.AddBody("y"));
  EXPECT_FALSE(sink.overflowed());
  EXPECT_FALSE(sink.AddBody("z"));
  EXPECT_TRUE(sink.overflowed());
  EXPECT_EQ(sink.Take(200).body.size(), 5000u);
}

TEST(ResponseSink, RefusesTooManyHeaders) {
  ResponseSink sink(0);
  for (std::size_t i = 0; i < ResponseSink::kMaxHeaders; ++i) {
    ASSERT_TRUE(sink.AddHeaderLine("a: b\r\n"));
  }
  EXPECT_FALSE(sink.AddHeaderLine("a: b\r\n"));
  EXPECT_TRUE(sink.overflowed());
}

TEST(ResponseSink, RefusesTooLongHeaders) {
  ResponseSink sink(0);
  const std::string half(ResponseSink::kMaxHeaderBytes / 2, 'x');
  EXPECT_TRUE(sink.AddHeaderLine(absl::StrCat("a: ", half)));
  EXPECT_FALSE(sink.AddHeaderLine(absl::StrCat("b: ", half)));
  EXPECT_TRUE(sink.overflowed());
}

}  // namespace
}  // namespace tokensvc
