// SPDX-License-Identifier: Apache-2.0
// The schema itself: that every rule in it can be kept, and that it documents the defaults it has.
#include "service/config/schema.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "service/config/field_value.h"
#include "tests/service/config/config_testing.h"

namespace tokensvc {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

void ForEachField(const pb::Descriptor& type,
                  const std::function<void(const FieldDescriptor&)>& visit) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    visit(field);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !IsDuration(field)) {
      ForEachField(*field.message_type(), visit);
    }
  }
}

/// Of the configuration and of a table of expectations.
void ForEachFieldOfAnyFile(const std::function<void(const FieldDescriptor&)>& visit) {
  ForEachField(*config::v1::ServiceConfig::descriptor(), visit);
  ForEachField(*config::v1::PolicyExpectations::descriptor(), visit);
}

bool IsQuantity(const FieldDescriptor& field) {
  return IsDuration(field) || field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32 ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
}

TEST(ConfigSchema, EveryQuantityHasBoundsThatItsTypeCanHoldAndADefaultWithinOrNone) {
  int quantities = 0;
  ForEachFieldOfAnyFile([&quantities](const FieldDescriptor& field) {
    if (!IsQuantity(field)) return;
    ++quantities;
    const config::v1::Rule& rule = RuleOf(field);
    std::vector<std::string> texts = {rule.min(), rule.max()};
    if (rule.default_value().empty()) {
      EXPECT_NE(rule.min(), "0") << field.full_name() << ": 0 is to mean that nothing is said";
    } else {
      texts.push_back(rule.default_value());
    }
    for (const std::string& text : texts) {
      YamlNode node;
      node.kind = YamlNode::Kind::kScalar;
      node.plain = true;
      node.text = text;
      const auto quantity = ParseQuantity(node, field);
      ASSERT_TRUE(quantity.ok()) << field.full_name() << ": " << quantity.error();
      EXPECT_GE(*quantity, 0) << field.full_name();
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
        EXPECT_LE(*quantity, 0xFFFFFFFFLL) << field.full_name();
      }
    }
  });
  EXPECT_GT(quantities, 10);
}

TEST(ConfigSchema, UsesNoTypeThatTheWalkerCannotFill) {
  ForEachFieldOfAnyFile([](const FieldDescriptor& field) {
    const auto type = field.cpp_type();
    const bool known = IsQuantity(field) || type == FieldDescriptor::CPPTYPE_MESSAGE ||
                       type == FieldDescriptor::CPPTYPE_STRING ||
                       type == FieldDescriptor::CPPTYPE_BOOL ||
                       type == FieldDescriptor::CPPTYPE_ENUM;
    EXPECT_TRUE(known) << field.full_name();
    if (field.is_repeated()) {
      EXPECT_TRUE(type == FieldDescriptor::CPPTYPE_MESSAGE ||
                  type == FieldDescriptor::CPPTYPE_STRING || type == FieldDescriptor::CPPTYPE_ENUM)
          << field.full_name();
      EXPECT_FALSE(IsDuration(field)) << field.full_name();
    }
  });
}

TEST(ConfigSchema, EveryChoiceHasADefaultOrMustBeMade) {
  ForEachFieldOfAnyFile([](const FieldDescriptor& field) {
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM || RuleOf(field).required()) return;
    if (field.is_repeated()) return;  // Empty where absent.
    EXPECT_NE(FindWrittenValue(*field.enum_type(), RuleOf(field).default_value()), nullptr)
        << field.full_name();
  });
}

TEST(ConfigSchema, NamesOfValuesAreThoseOfTheField) {
  EXPECT_EQ(WrittenName(*pb::GetEnumDescriptor<config::v1::SigningAlgorithm>()->FindValueByNumber(
                config::v1::SIGNING_ALGORITHM_PS256)),
            "PS256");
  EXPECT_EQ(WrittenName(*pb::GetEnumDescriptor<config::v1::Cloud>()->FindValueByNumber(
                config::v1::CLOUD_US_GOVERNMENT)),
            "us_government");
}

TEST(ConfigSchema, DefaultsAreFilledIn) {
  const ConfigResult result = ParseConfig(kSmallConfig);
  ASSERT_TRUE(result.ok()) << FormatConfigErrors("small", result.error());
  const config::v1::ServiceConfig& config = *result;
  EXPECT_TRUE(config.listeners(0).has_plaintext());
  EXPECT_FALSE(config.listeners(0).reflection());
  EXPECT_TRUE(config.listeners(0).health());
  EXPECT_EQ(config.listeners(0).unauthenticated_peers(), config::v1::UNAUTHENTICATED_PEERS_REFUSE);
  EXPECT_FALSE(config.has_metrics());
  EXPECT_EQ(config.log().level(), config::v1::LOG_LEVEL_INFO);
  EXPECT_EQ(config.authorities(0).entra().cloud(), config::v1::CLOUD_PUBLIC);
  EXPECT_TRUE(config.authorities(0).entra().instance_discovery());
  EXPECT_EQ(config.authorities(0).request_timeout().seconds(), 10);
  const config::v1::Registration& registration = config.registrations(0);
  EXPECT_EQ(registration.client_claims(), config::v1::CLIENT_CLAIMS_REFUSED);
  EXPECT_EQ(registration.near_cache().seconds(), 60);
  EXPECT_EQ(registration.credentials(0).secret().method(), config::v1::SECRET_METHOD_POST);
  EXPECT_EQ(config.cache().local().max_size(), 256u << 20);
  EXPECT_EQ(config.cache().local().tenant_share_percent(), 50u);
  EXPECT_EQ(config.http().max_connections_per_host(), 16u);
  EXPECT_EQ(config.http().max_pending_requests(), 10'000u);
  EXPECT_EQ(config.http().connect_timeout().seconds(), 3);
  EXPECT_EQ(config.limits().max_waiting_calls(), 20'000u);
  EXPECT_EQ(config.limits().default_deadline().seconds(), 10);
  EXPECT_EQ(config.limits().max_deadline().seconds(), 60);
  EXPECT_EQ(config.limits().forced_refreshes_per_minute(), 60u);
  EXPECT_EQ(config.server().loops(), 1u);
  EXPECT_EQ(config.server().drain_timeout().seconds(), 20);
  EXPECT_EQ(config.server().worker_threads(), 2u);
}

TEST(ConfigSchema, ABaseUrlStandsInPlaceOfTheDefaultCloud) {
  const auto config =
      ParseConfig(SmallConfigWith("entra: {}", "entra: {base_url: \"https://a.example\"}"));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->authorities(0).entra().environment_case(),
            config::v1::EntraAuthority::kBaseUrl);
}

TEST(ConfigSchema, SmallDurationsKeepTheirFraction) {
  const auto config = ParseConfig(SmallConfigAnd("http: {connect_timeout: 1500ms}\n"));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->http().connect_timeout().seconds(), 1);
  EXPECT_EQ(config->http().connect_timeout().nanos(), 500'000'000);
}

}  // namespace
}  // namespace tokensvc
