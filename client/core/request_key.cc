// SPDX-License-Identifier: Apache-2.0
#include "client/core/request_key.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace tokensvc::client {
namespace {

/// Enough for what occurs, so that a key is one allocation.
constexpr std::size_t kUsualKeySize = 256;

/// LEB128: one byte for the lengths that occur, and injective for all.
void AppendLength(std::size_t length, std::string* key) {
  while (length >= 0x80) {
    key->push_back(static_cast<char>((length & 0x7f) | 0x80));
    length >>= 7;
  }
  key->push_back(static_cast<char>(length));
}

void AppendPart(absl::string_view part, std::string* key) {
  AppendLength(part.size(), key);
  key->append(part.data(), part.size());
}

void AppendScopes(const std::vector<std::string>& scopes, std::string* key) {
  if (scopes.size() <= 1) {  // What Entra wants: nothing to sort.
    AppendLength(scopes.size(), key);
    for (const std::string& scope : scopes) AppendPart(scope, key);
    return;
  }
  std::vector<absl::string_view> sorted(scopes.begin(), scopes.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  AppendLength(sorted.size(), key);
  for (const absl::string_view scope : sorted) AppendPart(scope, key);
}

}  // namespace

std::string RequestKey(const TokenRequest& request) {
  std::string key;
  key.reserve(kUsualKeySize);
  AppendPart(request.registration, &key);
  AppendPart(request.tenant, &key);
  AppendScopes(request.scopes, &key);
  AppendPart(request.resource, &key);
  AppendPart(request.audience, &key);
  AppendPart(request.client_claims, &key);
  AppendLength(request.extra_parameters.size(), &key);
  for (const auto& [name, value] : request.extra_parameters) {
    AppendPart(name, &key);
    AppendPart(value, &key);
  }
  return key;
}

std::string ForcedRequestKey(absl::string_view request_key, const TokenRequest& request) {
  std::string key;
  key.reserve(request_key.size() + request.claims_challenge.size() + 8);
  AppendPart(request_key, &key);
  AppendPart(request.claims_challenge, &key);
  return key;
}

}  // namespace tokensvc::client
