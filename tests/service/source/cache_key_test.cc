// SPDX-License-Identifier: Apache-2.0
// Invariant 1 (DESIGN.md §2): whatever shapes a token is in its key, and nothing can be moved from
// one field into the next without changing it.
#include "service/source/cache_key.h"

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "service/authority/authority.h"

namespace tokensvc {
namespace {

/// The fields of a request as plain values, so that they can be varied one by one.
struct Fields {
  std::string keyspace = "fleet";
  std::string authority = "https://login.microsoftonline.com";
  AuthorityKind kind = AuthorityKind::kOidc;  // the scope rule that lets anything through
  std::string tenant = "contoso.example";
  std::string registration = "orders";
  std::string client_id = "client";
  std::vector<std::string> scopes = {"api://one/.default"};
  std::string resource, audience, client_claims;
  std::vector<std::string> capabilities = {"cp1"};
  std::vector<std::pair<std::string, std::string>> extra = {{"a", "b"}};

  bool operator==(const Fields&) const = default;
};

AppTokenRequest RequestOf(const Fields& fields) {
  auto authority = std::make_shared<Authority>();
  authority->kind = fields.kind;
  // All of them, so that only the kind can tell kinds apart.
  authority->issuer = authority->base_url = authority->token_endpoint = fields.authority;
  auto registration = std::make_shared<Registration>();
  registration->name = fields.registration;
  registration->authority = authority;
  registration->client_id = fields.client_id;
  registration->client_capabilities = fields.capabilities;
  AppTokenRequest request;
  request.registration = registration;
  request.tenant = fields.tenant;
  const std::vector<absl::string_view> views(fields.scopes.begin(), fields.scopes.end());
  Result<ScopeSet> scopes = ParseAppScopes(views, ProfileOf(*authority));
  if (scopes.ok()) request.scopes = *std::move(scopes);
  request.resource = fields.resource;
  request.audience = fields.audience;
  request.client_claims = fields.client_claims;
  request.extra_parameters = fields.extra;
  return request;
}

std::string KeyOf(const Fields& fields) {
  return AppTokenCacheKey(fields.keyspace, RequestOf(fields));
}

using Change = std::function<void(Fields&, const std::string&)>;

const std::map<std::string, Change>& Changes() {
  static const auto& changes = *new std::map<std::string, Change>{
      {"keyspace", [](Fields& f, const std::string& v) { f.keyspace = v; }},
      {"authority", [](Fields& f, const std::string& v) { f.authority = v; }},
      {"tenant", [](Fields& f, const std::string& v) { f.tenant = v; }},
      {"registration", [](Fields& f, const std::string& v) { f.registration = v; }},
      {"client_id", [](Fields& f, const std::string& v) { f.client_id = v; }},
      {"scopes", [](Fields& f, const std::string& v) { f.scopes = {"s" + v}; }},
      {"more scopes", [](Fields& f, const std::string& v) { f.scopes.push_back("s" + v); }},
      {"resource", [](Fields& f, const std::string& v) { f.resource = v; }},
      {"audience", [](Fields& f, const std::string& v) { f.audience = v; }},
      {"client_claims", [](Fields& f, const std::string& v) { f.client_claims = v; }},
      {"capabilities", [](Fields& f, const std::string& v) { f.capabilities = {v}; }},
      {"more capabilities", [](Fields& f, const std::string& v) { f.capabilities.push_back(v); }},
      {"extra value", [](Fields& f, const std::string& v) { f.extra[0].second = v; }},
      {"extra name", [](Fields& f, const std::string& v) { f.extra[0].first = v; }},
      {"more extra", [](Fields& f, const std::string& v) { f.extra.emplace_back(v, v); }},
  };
  return changes;
}

TEST(CacheKeyTest, EqualRequestsHaveEqualKeys) { EXPECT_EQ(KeyOf(Fields()), KeyOf(Fields())); }

TEST(CacheKeyTest, ChangingAnyOneFieldChangesTheKey) {
  std::mt19937 random(1);  // a fixed seed: a failure can be run again
  for (int round = 0; round < 200; ++round) {
    Fields base;
    for (const auto& [name, change] : Changes()) {
      if (random() % 3 == 0) change(base, std::string(1 + random() % 200, 'x'));
    }
    for (const auto& [name, change] : Changes()) {
      Fields changed = base;
      change(changed, "value" + std::to_string(random()));
      EXPECT_NE(KeyOf(changed), KeyOf(base)) << name;
    }
  }
}

TEST(CacheKeyTest, DistinctRequestsNeverShareAKeyWhateverTheirFieldsHold) {
  // Few, short, awkward values, so that collisions would happen if parts could run into one
  // another.
  const std::vector<std::string> values = {"",
                                           "a",
                                           "aa",
                                           "b",
                                           std::string("\0", 1),
                                           "\x01",
                                           "\x02"
                                           "a",
                                           "a\x01",
                                           ":",
                                           "|",
                                           "\x80",
                                           "\x81\x01"};
  std::mt19937 random(2);
  std::map<std::string, Fields> seen;
  for (int round = 0; round < 20'000; ++round) {
    Fields fields;
    fields.scopes = {"s"};
    for (const auto& [name, change] : Changes()) {
      if (name != "scopes" && name != "more scopes")
        change(fields, values[random() % values.size()]);
    }
    const auto [it, added] = seen.try_emplace(KeyOf(fields), fields);
    EXPECT_TRUE(added || it->second == fields);
  }
  EXPECT_GT(seen.size(), 10'000u);
}

TEST(CacheKeyTest, AuthoritiesOfDifferentKindsNeverShareAKey) {
  std::map<std::string, int> keys, partitions;
  for (const AuthorityKind kind :
       {AuthorityKind::kEntra, AuthorityKind::kOidc, AuthorityKind::kAdfs, AuthorityKind::kB2c,
        AuthorityKind::kCiam}) {
    Fields fields;
    fields.kind = kind;
    ++keys[KeyOf(fields)];
    ++partitions[PartitionOf(RequestOf(fields))];
  }
  EXPECT_EQ(keys.size(), 5u);
  EXPECT_EQ(partitions.size(), 5u);
}

TEST(CacheKeyTest, TheOrderAndRepetitionOfScopesDoNotMatter) {
  Fields one, other;
  one.scopes = {"read", "write"};
  other.scopes = {"write", "read", "write"};
  EXPECT_EQ(KeyOf(one), KeyOf(other));
}

TEST(CacheKeyTest, AClaimsChallengeAndForceRefreshAreNotPartOfTheKey) {
  AppTokenRequest plain = RequestOf(Fields());
  AppTokenRequest forced = RequestOf(Fields());
  forced.force_refresh = true;
  forced.claims_challenge = R"({"access_token":{}})";
  forced.correlation_id = "another";
  EXPECT_EQ(AppTokenCacheKey("k", plain), AppTokenCacheKey("k", forced));
}

TEST(CacheKeyTest, PartitionsAreTenantsOfOneAuthorityAndElseRegistrations) {
  const auto with = [](const Change& change) {
    Fields fields;
    change(fields, "other");
    return PartitionOf(RequestOf(fields));
  };
  const std::string base = PartitionOf(RequestOf(Fields()));
  EXPECT_NE(with(Changes().at("tenant")), base);
  EXPECT_NE(with(Changes().at("authority")), base);
  EXPECT_EQ(with(Changes().at("registration")), base);
  EXPECT_EQ(with(Changes().at("scopes")), base);
  Fields orders, billing;
  orders.tenant = billing.tenant = "";
  billing.registration = "billing";
  EXPECT_NE(PartitionOf(RequestOf(orders)), PartitionOf(RequestOf(billing)));
}

TEST(CacheKeyTest, AKeyTellsWhoseItIs) {
  Fields fields;
  fields.tenant = std::string(300, 't');
  const auto owner = OwnerOfCacheKey(KeyOf(fields));
  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->authority, fields.authority);
  EXPECT_EQ(owner->tenant, fields.tenant);
  EXPECT_EQ(owner->registration, "orders");
}

TEST(CacheKeyTest, WhatIsNoKeyTellsNothing) {
  const std::string key = KeyOf(Fields());
  const std::size_t registration_end = key.find("orders") + 6;
  for (std::size_t bytes = 0; bytes < registration_end; ++bytes) {
    EXPECT_FALSE(OwnerOfCacheKey(key.substr(0, bytes)).has_value()) << bytes;
  }
  std::string other_format = key;
  ++other_format[0];
  EXPECT_FALSE(OwnerOfCacheKey(other_format).has_value());
  EXPECT_FALSE(OwnerOfCacheKey(std::string(100, '\xff')).has_value());
}

TEST(CacheKeyTest, ForcedFlightsDifferByChallengeAndByToken) {
  EXPECT_NE(ForcedFlightKey("key", ""), ForcedFlightKey("key", "{}"));
  EXPECT_NE(ForcedFlightKey("key", ""), ForcedFlightKey("yek", ""));
  EXPECT_NE(ForcedFlightKey("key", ""), "key");
}

}  // namespace
}  // namespace tokensvc
