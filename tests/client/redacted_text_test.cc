// SPDX-License-Identifier: Apache-2.0
#include "proto/redacted_text.h"

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "gtest/gtest.h"
#include "redaction_shapes.pb.h"
#include "tokensvc/v1/token_service.pb.h"

namespace tokensvc {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using testing::Inner;
using ::testing::Not;
using testing::Shapes;

// 17 bytes; no part of it may be seen anywhere.
constexpr char kCanary[] = "CaNaRy-7f3a-SeCrE";

std::string Both(const google::protobuf::Message& message) {
  return absl::StrCat(RedactedText(message), "\n", RedactedText(message, RedactedLayout::kLines));
}

Shapes WithCanaryInEveryShape() {
  Shapes shapes;
  shapes.set_secret(kCanary);
  shapes.set_secret_bytes(kCanary);
  shapes.set_secret_int32(1147483647);
  shapes.set_secret_int64(1147483647);
  shapes.mutable_secret_message()->set_label(kCanary);
  shapes.add_secrets(kCanary);
  shapes.add_secrets("");
  (*shapes.mutable_secret_map())[kCanary] = "value";
  (*shapes.mutable_secret_map())["key"] = kCanary;
  shapes.mutable_inner()->mutable_child()->mutable_child()->set_secret(kCanary);
  shapes.add_inners()->set_secret(kCanary);
  (*shapes.mutable_inner_map())["entry"].set_secret(kCanary);
  Inner inner;
  inner.set_secret(kCanary);
  inner.set_label(kCanary);
  shapes.mutable_packed()->PackFrom(inner);
  shapes.set_chosen_secret(kCanary);
  shapes.mutable_group()->set_secret(kCanary);
  shapes.SetExtension(testing::secret_extension, kCanary);
  shapes.GetReflection()->MutableUnknownFields(&shapes)->AddLengthDelimited(999, kCanary);
  return shapes;
}

TEST(RedactedText, ShowsNoSecretInAnyShape) {
  const std::string text = Both(WithCanaryInEveryShape());
  EXPECT_THAT(text, Not(HasSubstr(kCanary)));
  EXPECT_THAT(text, Not(HasSubstr("CaNaRy")));
  EXPECT_THAT(text, Not(HasSubstr("1147483647")));
  EXPECT_THAT(text, Not(HasSubstr("999")));
}

TEST(RedactedText, ShowsNoSecretOfADynamicMessage) {
  google::protobuf::DynamicMessageFactory factory;
  const std::unique_ptr<google::protobuf::Message> message(
      factory.GetPrototype(Shapes::descriptor())->New());
  ASSERT_TRUE(message->ParseFromString(WithCanaryInEveryShape().SerializeAsString()));
  EXPECT_THAT(Both(*message), Not(HasSubstr("CaNaRy")));
  EXPECT_THAT(Both(*message), HasSubstr("secret: <redacted, 17 bytes>"));
}

TEST(RedactedText, SaysHowLongEachSecretIs) {
  Shapes shapes;
  shapes.set_secret(kCanary);
  EXPECT_THAT(RedactedText(shapes), Eq("secret: <redacted, 17 bytes>"));
  shapes.Clear();
  shapes.add_secrets(kCanary);
  shapes.add_secrets("");
  EXPECT_THAT(RedactedText(shapes),
              Eq("secrets: <redacted, 17 bytes> secrets: <redacted, 0 bytes>"));
  shapes.Clear();
  shapes.set_secret_int32(1);
  shapes.set_secret_int64(1);
  EXPECT_THAT(RedactedText(shapes),
              Eq("secret_int32: <redacted, 4 bytes> secret_int64: <redacted, 8 bytes>"));
}

TEST(RedactedText, RedactsASensitiveMapByEntry) {
  Shapes shapes;
  (*shapes.mutable_secret_map())["k"] = "v";
  EXPECT_THAT(RedactedText(shapes), Eq("secret_map: <redacted, 6 bytes>"));
}

TEST(RedactedText, ShowsTheTypeOfAnAnyOnly) {
  Inner inner;
  inner.set_label("harmless");
  Shapes shapes;
  shapes.mutable_packed()->PackFrom(inner);
  const std::string expected =
      "{ [type.googleapis.com/tokensvc.testing.Inner] <packed, 10 bytes> }";
  EXPECT_THAT(RedactedText(shapes), Eq("packed " + expected));
  EXPECT_THAT(RedactedText(shapes.packed()), Eq(expected));
}

TEST(RedactedText, EscapesTheTypeUrlOfAnAny) {
  google::protobuf::Any any;
  any.set_type_url("\x1b[31m\n");
  EXPECT_THAT(RedactedText(any), Eq("{ [\\033[31m\\n] <packed, 0 bytes> }"));
}

TEST(RedactedText, ShowsWhatIsNotSecret) {
  Shapes shapes;
  shapes.set_label("a\"b\n\x1b");
  shapes.set_raw(std::string("\0\xff", 2));
  shapes.set_i32(-1);
  shapes.set_i64(-2);
  shapes.set_u32(3);
  shapes.set_u64(4);
  shapes.set_real(1.5);
  shapes.set_small_real(0.5F);
  shapes.set_flag(true);
  shapes.set_color(Shapes::RED);
  shapes.add_numbers(7);
  shapes.add_numbers(8);
  shapes.add_colors(Shapes::NONE);
  (*shapes.mutable_names())[5] = "five";
  shapes.SetExtension(testing::plain_extension, "plain");
  EXPECT_THAT(
      RedactedText(shapes),
      Eq("label: \"a\\\"b\\n\\033\" raw: \"\\000\\377\" i32: -1 i64: -2 u32: 3 u64: 4 real: 1.5 "
         "small_real: 0.5 flag: true color: RED numbers: 7 numbers: 8 colors: NONE "
         "names { key: 5 value: \"five\" } [tokensvc.testing.plain_extension]: \"plain\""));
}

TEST(RedactedText, PrintsOneFieldPerLine) {
  Shapes shapes;
  shapes.mutable_inner()->set_secret(kCanary);
  shapes.mutable_inner()->mutable_child()->set_label("x");
  shapes.add_inners();
  EXPECT_THAT(RedactedText(shapes, RedactedLayout::kLines), Eq("inner {\n"
                                                               "  secret: <redacted, 17 bytes>\n"
                                                               "  child {\n"
                                                               "    label: \"x\"\n"
                                                               "  }\n"
                                                               "}\n"
                                                               "inners {\n"
                                                               "}\n"));
}

TEST(RedactedText, PrintsAnEmptySubMessageOnOneLine) {
  Shapes shapes;
  shapes.add_inners();
  shapes.set_label("after");
  EXPECT_THAT(RedactedText(shapes), Eq("inners {} label: \"after\""));
  EXPECT_THAT(RedactedText(Shapes()), Eq(""));
}

TEST(RedactedText, StopsAtItsDepthLimit) {
  Inner root;
  Inner* leaf = &root;
  for (int i = 0; i < 5000; ++i) leaf = leaf->mutable_child();
  leaf->set_label("bottom");
  const std::string text = RedactedText(root);
  EXPECT_THAT(text, HasSubstr("<too deep>"));
  EXPECT_THAT(text, Not(HasSubstr("bottom")));
}

// The contract's own secrets: what is printed of an answer must not hold them.
TEST(RedactedText, HidesTheTokensOfTheContract) {
  v1::AcquireForClientResponse acquired;
  acquired.mutable_access_token()->set_value(kCanary);
  v1::CreateAuthorizationHeaderResponse header;
  header.add_headers()->set_name("Authorization");
  header.mutable_headers(0)->set_value(absl::StrCat("Bearer ", kCanary));
  EXPECT_THAT(RedactedText(acquired), Eq("access_token { value: <redacted, 17 bytes> }"));
  EXPECT_THAT(RedactedText(header),
              Eq("headers { name: \"Authorization\" value: <redacted, 24 bytes> }"));
}

}  // namespace
}  // namespace tokensvc
