// SPDX-License-Identifier: Apache-2.0
#include "client/core/request_key.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace tokensvc::client {
namespace {

TokenRequest Base() {
  TokenRequest request;
  request.registration = "orders";
  request.scopes = {"a", "b"};
  return request;
}

TEST(RequestKeyTest, EveryFieldThatShapesATokenChangesTheKey) {
  std::vector<TokenRequest> variants(9, Base());
  variants[1].registration = "billing";
  variants[2].tenant = "contoso.onmicrosoft.com";
  variants[3].scopes = {"a"};
  variants[4].resource = "https://api.example";
  variants[5].audience = "https://api.example";
  variants[6].client_claims = "https://api.example";
  variants[7].extra_parameters = {{"dc", "1"}};
  variants[8].extra_parameters = {{"dc", "2"}};
  std::set<std::string> keys;
  for (const TokenRequest& request : variants) keys.insert(RequestKey(request));
  EXPECT_EQ(keys.size(), variants.size());
}

TEST(RequestKeyTest, WhatShapesOneCallOnlyIsNotInTheKey) {
  TokenRequest request = Base();
  request.claims_challenge = "{}";
  request.force_refresh = true;
  request.correlation_id = "abc";
  EXPECT_EQ(RequestKey(request), RequestKey(Base()));
}

TEST(RequestKeyTest, ScopesAreASet) {
  TokenRequest request = Base();
  request.scopes = {"b", "a", "b"};
  EXPECT_EQ(RequestKey(request), RequestKey(Base()));
}

TEST(RequestKeyTest, ValuesThatMoveFromOneFieldToTheNextDoNotMeet) {
  TokenRequest one, other;
  one.registration = "ab";
  one.tenant = "c";
  other.registration = "a";
  other.tenant = "bc";
  EXPECT_NE(RequestKey(one), RequestKey(other));
  one = other = TokenRequest();
  one.scopes = {"a b"};
  other.scopes = {"a", "b"};
  EXPECT_NE(RequestKey(one), RequestKey(other));
  one.scopes = other.scopes = {};
  one.extra_parameters = {{"a", "b"}, {"c", "d"}};
  other.extra_parameters = {{"a", "b\1c\1d"}};
  EXPECT_NE(RequestKey(one), RequestKey(other));
}

TEST(RequestKeyTest, LongValuesKeepTheirLength) {
  TokenRequest one = Base(), other = Base();
  one.client_claims = std::string(128, 'x');
  other.client_claims = std::string(129, 'x');
  EXPECT_NE(RequestKey(one), RequestKey(other));
}

TEST(RequestKeyTest, ForcedRequestsShareByChallenge) {
  TokenRequest challenged = Base(), forced = Base();
  challenged.claims_challenge = "{}";
  forced.force_refresh = true;
  const std::string key = RequestKey(Base());
  EXPECT_TRUE(IsForced(challenged));
  EXPECT_TRUE(IsForced(forced));
  EXPECT_FALSE(IsForced(Base()));
  EXPECT_NE(ForcedRequestKey(key, challenged), ForcedRequestKey(key, forced));
}

}  // namespace
}  // namespace tokensvc::client
