// SPDX-License-Identifier: Apache-2.0
// Invariant 1 (DESIGN.md §2) from a caller's words to the key: two requests have one key exactly if
// they ask for one token, however each of them is spelled. cache_key_test.cc has the encoding.
#include <algorithm>
#include <list>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "service/source/cache_key.h"

namespace tokensvc {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

/// What is asked for, told apart as the authority would. Small sets of values, so that equal
/// requests occur as often as different ones.
struct Wanted {
  // The registration's.
  std::string authority, registration, client_id;
  std::vector<std::string> capabilities;
  // The caller's.
  std::string tenant;
  std::vector<std::string> scopes;  // sorted, none twice
  std::string resource, audience;
  int claims = 0;  // an index into `Claims()`
  Parameters extra;

  bool operator==(const Wanted&) const = default;
};

/// JSON documents that differ, each in spellings that do not.
const std::vector<std::vector<std::string>>& Claims() {
  static const auto& claims = *new std::vector<std::vector<std::string>>{
      {""},
      {R"({"access_token":{"acrs":{"essential":true,"value":"c1"}}})",
       R"({"access_token": {"acrs": {"value": "c1", "essential": true}}})",
       "{\"access_token\":\n\t{\"acrs\":{\"essential\":true,\"value\":\"\\u00631\"}}}"},
      {R"({"access_token":{"acrs":{"essential":true,"value":"c2"}}})"},
      {R"({"access_token":{"acrs":{"essential":"true","value":"c1"}}})"},
      {R"({"id_token":{"acrs":{"essential":true,"value":"c1"}}})"},
  };
  return claims;
}

class Generator {
 public:
  Generator(AuthorityKind kind, unsigned seed) : kind_(kind), random_(seed) {}

  Wanted MakeWanted() {
    Wanted wanted;
    wanted.authority = OneOf<std::string>({"https://login.example", "https://login.test"});
    wanted.registration = OneOf<std::string>({"orders", "Orders"});
    wanted.client_id = OneOf<std::string>({"client", "other"});
    wanted.capabilities = OneOf<std::vector<std::string>>({{}, {"cp1"}, {"cp1", "cp2"}});
    if (kind_ == AuthorityKind::kEntra) {
      wanted.tenant = OneOf<std::string>(
          {"contoso.example", "fabrikam.example", "72f988bf-86f1-41af-91ab-2d7cd011db47"});
      wanted.scopes = OneOf<std::vector<std::string>>({{"api://one/.default"},
                                                       {"api://two/.default"},
                                                       {"https://database.example/.default"},
                                                       {"https://database.example//.default"}});
    } else {
      wanted.scopes = OneOf<std::vector<std::string>>(
          {{"read"}, {"Read"}, {"Read", "read"}, {"read", "write"}, {"readwrite"}});
      wanted.resource = OneOf<std::string>({"", "https://api.example", "https://API.example"});
      wanted.audience = OneOf<std::string>({"", "https://api.example", "api"});
    }
    wanted.claims = static_cast<int>(random_() % Claims().size());
    wanted.extra = OneOf<Parameters>(
        {{}, {{"dc", "a"}}, {{"dc", "b"}}, {{"slice", "a"}}, {{"dc", "a"}, {"slice", "b"}}});
    return wanted;
  }

  /// `wanted` with one of its fields made another one.
  Wanted ChangeOne(const Wanted& wanted) {
    for (;;) {
      const Wanted other = MakeWanted();
      Wanted changed = wanted;
      switch (random_() % 10) {
        case 0:
          changed.authority = other.authority;
          break;
        case 1:
          changed.registration = other.registration;
          break;
        case 2:
          changed.client_id = other.client_id;
          break;
        case 3:
          changed.capabilities = other.capabilities;
          break;
        case 4:
          changed.tenant = other.tenant;
          break;
        case 5:
          changed.scopes = other.scopes;
          break;
        case 6:
          changed.resource = other.resource;
          break;
        case 7:
          changed.audience = other.audience;
          break;
        case 8:
          changed.claims = other.claims;
          break;
        default:
          changed.extra = other.extra;
      }
      if (!(changed == wanted)) return changed;
    }
  }

  /// The key of `wanted`, asked for in one of the ways in which it can be.
  std::string KeyOf(const Wanted& wanted) {
    AppTokenParams params;
    params.tenant = SpellTenant(wanted.tenant);
    for (const std::string& scope : wanted.scopes) params.scopes.push_back(SpellScope(scope));
    if (Sometimes()) params.scopes.push_back(SpellScope(wanted.scopes.front()));
    std::shuffle(params.scopes.begin(), params.scopes.end(), random_);
    params.resource = wanted.resource;
    params.audience = wanted.audience;
    params.client_claims = Keep(OneOf(Claims()[static_cast<std::size_t>(wanted.claims)]));
    for (const auto& [name, value] : wanted.extra) {
      params.extra_parameters.emplace_back(name, value);
    }
    std::shuffle(params.extra_parameters.begin(), params.extra_parameters.end(), random_);
    // What asks for another version of the same token, or for none.
    if (Sometimes()) params.claims_challenge = R"({"access_token":{"nbf":{"value":"1"}}})";
    params.force_refresh = Sometimes();
    if (Sometimes()) params.correlation_id = Keep(absl::StrCat("c-", random_()));

    Result<AppTokenRequest> request = MakeAppTokenRequest(MakeRegistration(wanted), params);
    EXPECT_TRUE(request.ok()) << request.error().message;
    return request.ok() ? AppTokenCacheKey("fleet", *request) : std::string();
  }

 private:
  template <class T>
  T OneOf(const std::vector<T>& values) {
    return values[random_() % values.size()];
  }
  bool Sometimes() { return random_() % 2 == 0; }

  absl::string_view Keep(std::string text) { return kept_.emplace_back(std::move(text)); }

  absl::string_view InAnyCase(std::string text) {
    for (char& c : text) {
      if (Sometimes()) c = absl::ascii_toupper(static_cast<unsigned char>(c));
    }
    return Keep(std::move(text));
  }

  absl::string_view SpellTenant(const std::string& tenant) {
    if (tenant == kDefaultTenant && Sometimes()) return "";
    return InAnyCase(tenant);
  }

  absl::string_view SpellScope(const std::string& scope) {
    return kind_ == AuthorityKind::kEntra ? InAnyCase(scope) : Keep(scope);
  }

  /// With whatever the operator may change without changing a token.
  std::shared_ptr<const Registration> MakeRegistration(const Wanted& wanted) {
    auto authority = std::make_shared<Authority>();
    authority->kind = kind_;
    authority->name = OneOf<std::string>({"main", "renamed"});
    (kind_ == AuthorityKind::kEntra ? authority->base_url : authority->issuer) = wanted.authority;
    authority->region = OneOf<std::string>({"", "westeurope", "northeurope"});
    authority->instance_discovery = Sometimes();
    authority->ca_file = OneOf<std::string>({"", "ca.pem"});
    authority->request_timeout = absl::Seconds(1 + random_() % 10);
    auto registration = std::make_shared<Registration>();
    registration->name = wanted.registration;
    registration->authority = authority;
    registration->client_id = wanted.client_id;
    registration->client_capabilities = wanted.capabilities;
    registration->any_tenant = true;
    registration->default_tenant = kDefaultTenant;
    registration->extra_parameters = {"dc", "slice"};
    registration->client_claims_allowed = true;
    registration->near_cache = absl::Seconds(random_() % 60);
    return registration;
  }

  static constexpr char kDefaultTenant[] = "contoso.example";

  const AuthorityKind kind_;
  std::mt19937 random_;
  std::list<std::string> kept_;  // what params point at
};

class CacheKeyOfRequestTest : public ::testing::TestWithParam<AuthorityKind> {};

INSTANTIATE_TEST_SUITE_P(All, CacheKeyOfRequestTest,
                         ::testing::Values(AuthorityKind::kEntra, AuthorityKind::kOidc),
                         [](const auto& info) {
                           return info.param == AuthorityKind::kEntra ? "Entra" : "Oidc";
                         });

TEST_P(CacheKeyOfRequestTest, OneTokenHasOneKeyInEverySpelling) {
  Generator generator(GetParam(), 1);  // a fixed seed: a failure can be run again
  for (int round = 0; round < 2000; ++round) {
    const Wanted wanted = generator.MakeWanted();
    EXPECT_EQ(generator.KeyOf(wanted), generator.KeyOf(wanted)) << "round " << round;
  }
}

TEST_P(CacheKeyOfRequestTest, AnyOneDifferenceMakesAnotherKey) {
  Generator generator(GetParam(), 2);
  for (int round = 0; round < 2000; ++round) {
    const Wanted wanted = generator.MakeWanted();
    const Wanted changed = generator.ChangeOne(wanted);
    EXPECT_NE(generator.KeyOf(wanted), generator.KeyOf(changed)) << "round " << round;
  }
}

TEST_P(CacheKeyOfRequestTest, DifferentTokensNeverShareAKey) {
  Generator generator(GetParam(), 3);
  std::vector<std::pair<std::string, Wanted>> seen;
  for (int round = 0; round < 1000; ++round) {
    const Wanted wanted = generator.MakeWanted();
    const std::string key = generator.KeyOf(wanted);
    for (const auto& [other_key, other] : seen) {
      ASSERT_EQ(key == other_key, wanted == other) << "round " << round;
    }
    seen.emplace_back(key, wanted);
  }
}

}  // namespace
}  // namespace tokensvc
