// SPDX-License-Identifier: Apache-2.0
// What of YAML is refused, and that a hostile file costs little.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "service/config/yaml_tree.h"
#include "tests/service/config/config_testing.h"

namespace tokensvc {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(ConfigYaml, RefusesAnchorsAndAliasesWithTheirPlaces) {
  EXPECT_THAT(ErrorsOf(SmallConfigWith("name: orders", "name: &o orders") + "log: {level: *o}\n"),
              ElementsAre(ErrorAtPlace("registrations[0].name", 10, 11, "anchors"),
                          ErrorAtPlace("log.level", 20, 14, "aliases")));
}

TEST(ConfigYaml, RefusesAnAliasBombWithoutFollowingIt) {
  std::string text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    const std::string earlier(1, static_cast<char>(c - 1));
    absl::StrAppend(&text, std::string(1, c), ": &", std::string(1, c), " [*", earlier, ", *",
                    earlier, ", *", earlier, ", *", earlier, ", *", earlier, "]\n");
  }
  EXPECT_THAT(ErrorsOf(text),
              SizeIs(30));  // 26 unknown keys, three lists and the policy that are missing.
}

TEST(ConfigYaml, RefusesTags) {
  for (const char* value : {"!!str orders", "!custom orders", "! orders", "!!binary b3JkZXJz"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigWith("name: orders", absl::StrCat("name: ", value))),
                ElementsAre(ErrorAt("registrations[0].name", "tags")))
        << value;
  }
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("log: !!map {level: info}\n")),
              ElementsAre(ErrorAt("log", "tags")));
}

TEST(ConfigYaml, RefusesMergeKeys) {
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("log: {<<: {level: info}}\n")),
              ElementsAre(ErrorAt("log", "merge keys")));
}

TEST(ConfigYaml, RefusesNulls) {
  for (const char* value : {"", "~", "null", "NULL"}) {
    EXPECT_THAT(ErrorsOf(SmallConfigAnd(absl::StrCat("log: ", value, "\n"))),
                ElementsAre(ErrorAt("log", "has no value: write a map with keys of: level")))
        << value;
  }
  EXPECT_THAT(ErrorsOf(SmallConfigWith("plaintext: {}", "plaintext:")),
              ElementsAre(ErrorAt("listeners[0].plaintext", "has no value: write {}")));
}

TEST(ConfigYaml, RefusesDuplicateKeysAtAnyLevel) {
  EXPECT_THAT(
      ErrorsOf(SmallConfigAnd("log: {level: info, level: debug}\nlog: {}\n")),
      ElementsAre(ErrorAtPlace("log.level", 20, 20, "is given twice: the first is in line 20"),
                  ErrorAtPlace("log", 21, 1, "is given twice: the first is in line 20")));
}

TEST(ConfigYaml, RefusesKeysThatAreNoWords) {
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("? [log]\n: {}\n")), ElementsAre(ErrorAt("", "plain word")));
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("? {a: b}\n: {}\n")), ElementsAre(ErrorAt("", "plain word")));
}

TEST(ConfigYaml, RefusesSeveralDocuments) {
  EXPECT_THAT(ErrorsOf(SmallConfigAnd("---\nlog: {}\n")),
              ElementsAre(AllOf(ErrorAt("", "second document"), Field(&ConfigError::line, 20))));
}

// Found by fuzzing: the parser returns one empty document after the other and never ends.
TEST(ConfigYaml, EndsAtAStrayCommaOrBracket) {
  for (const char* text : {",", "]", "}", ",l+:$*|\n", "a: b\n,\n"}) {
    EXPECT_THAT(ErrorsOf(text), ElementsAre(ErrorAt("", ""))) << text;
  }
}

TEST(ConfigYaml, RefusesAFileWithNothingInIt) {
  for (const char* text : {"", "\n", "# only a comment\n"}) {
    EXPECT_THAT(ErrorsOf(text), ElementsAre(ErrorAt("", "is empty"))) << text;
  }
}

TEST(ConfigYaml, RefusesARootThatIsNoMap) {
  EXPECT_THAT(ErrorsOf("- a\n"), ElementsAre(ErrorAt("", "must be a map")));
  EXPECT_THAT(ErrorsOf("a\n"), ElementsAre(ErrorAt("", "must be a map")));
}

TEST(ConfigYaml, SaysWhereTheSyntaxIsBroken) {
  EXPECT_THAT(ErrorsOf("log:\n  level: \"a\\q\"\n"),
              ElementsAre(ErrorAtPlace("", 2, 14, "is not valid YAML here")));
  for (const char* text :
       {"a: [1", "a: {b: c", "a: b: c", "a: @x", "a: \"x", "\ta: 1", "a: *none", "%TAG !\n"}) {
    EXPECT_THAT(ErrorsOf(text), ElementsAre(ErrorAt("", "is not valid YAML"))) << text;
  }
}

TEST(ConfigYaml, RefusesBytesThatAreNoText) {
  EXPECT_THAT(ErrorsOf("log: \xFF\n"), ElementsAre(ErrorAtPlace("", 1, 6, "UTF-8")));
  EXPECT_THAT(ErrorsOf("log: \xC0\x80\n"), ElementsAre(ErrorAt("", "UTF-8")));
  EXPECT_THAT(ErrorsOf("log: \xED\xA0\x80\n"), ElementsAre(ErrorAt("", "UTF-8")));
  EXPECT_THAT(ErrorsOf("a\nlog: \xC3"), ElementsAre(ErrorAtPlace("", 2, 6, "UTF-8")));
  EXPECT_THAT(ErrorsOf(absl::string_view("log: \0", 6)),
              ElementsAre(ErrorAt("", "control character")));
  EXPECT_THAT(ErrorsOf("log: \x1B[31m"), ElementsAre(ErrorAt("", "control character")));
  EXPECT_THAT(ErrorsOf("\xEF\xBB\xBFlog: {}"), ElementsAre(ErrorAt("", "byte order mark")));
  EXPECT_THAT(ErrorsOf(absl::string_view("\xFF\xFEl\0o\0", 6)), ElementsAre(ErrorAt("", "UTF-8")));
}

TEST(ConfigYaml, AcceptsWindowsLineEnds) {
  std::string text = kSmallConfig;
  absl::StrReplaceAll({{"\n", "\r\n"}}, &text);
  EXPECT_THAT(ErrorsOf(text), SizeIs(0));
}

TEST(ConfigYaml, RefusesMoreThanItsLimits) {
  EXPECT_THAT(ErrorsOf(std::string(kConfigLimits.bytes + 1, '#')),
              ElementsAre(ErrorAt("", "larger than 1 MiB")));
  EXPECT_THAT(ErrorsOf(absl::StrCat("a: [", std::string(400'000, ','), "]")), SizeIs(1));
  std::string many = "listeners: [";
  for (int i = 0; i < 210'000; ++i) many += "a,";
  EXPECT_THAT(ErrorsOf(many + "]"), ElementsAre(ErrorAt("", "more than 200000 keys and values")));
}

TEST(ConfigYaml, SurvivesDepth) {
  const std::string seventeen = std::string(17, '[') + std::string(17, ']');
  EXPECT_THAT(
      ErrorsOf(SmallConfigWith("tenants: [contoso.onmicrosoft.com]", "tenants: " + seventeen)),
      ElementsAre(ErrorAt("registrations[0].tenants[0]", "must be a single value")));
  const auto deep = ParseYaml(std::string(16, '[') + std::string(16, ']'));
  ASSERT_TRUE(deep.ok());
  const auto deeper = ParseYaml(seventeen);
  ASSERT_TRUE(deeper.ok());
  const YamlNode* node = &*deeper;
  for (int i = 0; i < kMaxYamlDepth; ++i) {
    ASSERT_THAT(node->items, SizeIs(1));
    node = &node->items[0];
  }
  EXPECT_THAT(std::string(node->problem), HasSubstr("too deep"));
  EXPECT_THAT(ErrorsOf(std::string(500'000, '[')), ElementsAre(ErrorAt("", "")));
  std::string maps;
  for (int i = 0; i < 100'000; ++i) maps += "{a: ";
  EXPECT_THAT(ErrorsOf(maps), ElementsAre(ErrorAt("", "")));
}

TEST(ConfigYaml, BoundsTheNumberOfErrors) {
  std::string text = kSmallConfig;
  for (int i = 0; i < 5000; ++i) text += "wrong: 1\n";
  const auto errors = ErrorsOf(text);
  ASSERT_THAT(errors, SizeIs(ConfigErrorCollector::kMaxErrors + 1));
  EXPECT_THAT(errors.back(), ErrorAt("", "more than 100 errors"));
}

}  // namespace
}  // namespace tokensvc
