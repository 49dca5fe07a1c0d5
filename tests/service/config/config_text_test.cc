// SPDX-License-Identifier: Apache-2.0
#include "service/config/config_text.h"

#include <google/protobuf/util/message_differencer.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "service/config/effective_config.h"
#include "tests/service/config/config_testing.h"

namespace tokensvc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

config::v1::ServiceConfig MustParse(const std::string& text) {
  ConfigResult config = ParseConfig(text);
  EXPECT_TRUE(config.ok()) << FormatConfigErrors("test.yaml", config.error()) << text;
  return config.ok() ? *std::move(config) : config::v1::ServiceConfig();
}

/// The YAML between fences of docs/CONFIGURATION.md, which shows every key there is.
std::string DocumentedExample() {
  std::ifstream file(TOKENSVC_CONFIGURATION_MD);
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  const std::string fence = "```yaml\n";
  const std::size_t start = page.find(fence) + fence.size();
  return page.substr(start, page.find("```", start) - start);
}

TEST(ConfigTextTest, WhatItWritesIsTheSameConfiguration) {
  for (const std::string& text : {std::string(kSmallConfig), DocumentedExample()}) {
    config::v1::ServiceConfig config = MustParse(text);
    // Read from a file of its own, a policy stands beside its file's name, which no file may say.
    config.clear_policy_file();
    const ConfigText written = WriteConfig(config);
    EXPECT_FALSE(written.truncated);
    const config::v1::ServiceConfig again = MustParse(written.yaml);
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(config, again)) << written.yaml;
  }
}

TEST(ConfigTextTest, TextKeepsWhateverCharactersItHas) {
  const config::v1::ServiceConfig config =
      MustParse(SmallConfigWith("client_id: c1a9e0c4-0000-4000-8000-000000000001",
                                R"(client_id: "a \"quoted\" \\ back: #slash, é")"));
  EXPECT_EQ(MustParse(WriteConfig(config).yaml).registrations(0).client_id(),
            "a \"quoted\" \\ back: #slash, é");
}

TEST(ConfigTextTest, WritesQuantitiesAsPeopleDo) {
  const std::string text = WriteConfig(MustParse(kSmallConfig)).yaml;
  for (const char* line : {"    max_size: 256MiB\n", "  drain_timeout: 20s\n",
                           "    max_connection_age: 1h\n", "    near_cache: 1m\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(ConfigTextTest, ASectionOrANameChooses) {
  const config::v1::ServiceConfig config = MustParse(SmallConfigAnd(R"(
  groups:
    - {name: one, callers: ["local:a"]}
    - {name: two, callers: ["local:b"]}
)"));
  EXPECT_THAT(WriteConfig(config, {.section = "log"}).yaml, "log:\n  level: info\n");
  EXPECT_EQ(WriteConfig(config, {.section = "policy", .name = "two"}).yaml,
            "policy:\n"
            "  groups:\n"
            "    - name: \"two\"\n"
            "      callers:\n"
            "        - \"local:b\"\n"
            "  rules: []\n");
  EXPECT_TRUE(IsConfigSection("registrations"));
  EXPECT_FALSE(IsConfigSection("registration"));
}

TEST(ConfigTextTest, WhatDoesNotFitIsLeftOutEntryByEntry) {
  config::v1::ServiceConfig config = MustParse(kSmallConfig);
  for (int i = 0; i < 1000; ++i) {
    *config.add_registrations() = config.registrations(0);
    config.mutable_registrations(i)->set_name(absl::StrCat("orders", i));
  }
  const ConfigText written = WriteConfig(config, {.max_bytes = 10'000});
  EXPECT_TRUE(written.truncated);
  EXPECT_LT(written.yaml.size(), 13'000u);
  EXPECT_THAT(written.yaml,
              AllOf(HasSubstr("orders0"), Not(HasSubstr("orders999")),
                    HasSubstr("more are left out"), HasSubstr("worker_threads: 2\n")));
  EXPECT_THAT(WriteConfig(config, {.name = "orders999"}).yaml, HasSubstr("orders999"));
}

TEST(ConfigTextTest, ShowsReferencesAndNeverWhatStandsInTheirPlace) {
  config::v1::ServiceConfig config = MustParse(kSmallConfig);
  EXPECT_THAT(WriteConfig(config).yaml, HasSubstr("value: \"env:ORDERS_SECRET\""));
  config.mutable_registrations(0)->mutable_credentials(0)->mutable_secret()->set_value("CANARY");
  EXPECT_THAT(WriteConfig(config).yaml, Not(HasSubstr("CANARY")));
}

TEST(EffectiveConfigTest, AReloadChangesAuthoritiesRegistrationsAndPolicyOnly) {
  const config::v1::ServiceConfig start = MustParse(kSmallConfig);
  config::v1::ServiceConfig loaded = start;
  loaded.mutable_registrations(0)->set_client_id("another");
  loaded.mutable_policy()->mutable_rules(0)->set_name("another");
  loaded.add_authorities()->set_name("another");
  EXPECT_FALSE(NeedsRestart(start, loaded));
  EXPECT_EQ(EffectiveConfig(start, loaded).SerializeAsString(), loaded.SerializeAsString());

  loaded.mutable_limits()->set_max_waiting_calls(7);
  EXPECT_TRUE(NeedsRestart(start, loaded));
  const config::v1::ServiceConfig effective = EffectiveConfig(start, loaded);
  EXPECT_EQ(effective.limits().max_waiting_calls(), start.limits().max_waiting_calls());
  EXPECT_EQ(effective.registrations(0).client_id(), "another");
}

}  // namespace
}  // namespace tokensvc
