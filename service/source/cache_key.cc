// SPDX-License-Identifier: Apache-2.0
#include "service/source/cache_key.h"

#include <openssl/sha.h>

#include <cstdint>

namespace tokensvc {
namespace {

/// Bump it when the meaning or the order of the parts changes: old and new keys then never meet.
constexpr char kFormat = 2;
constexpr char kGrantClientCredentials = 1;
constexpr char kTokenTypeBearer = 1;

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

void AppendAuthority(const Authority& authority, std::string* key) {
  key->push_back(static_cast<char>(authority.kind));
  AppendPart(AuthorityIdentity(authority), key);
}

}  // namespace

std::string AppTokenCacheKey(absl::string_view keyspace, const AppTokenRequest& request) {
  const Registration& registration = *request.registration;
  std::string key;
  key.reserve(256);
  key.push_back(kFormat);
  key.push_back(kGrantClientCredentials);
  key.push_back(kTokenTypeBearer);
  AppendPart(keyspace, &key);
  AppendAuthority(*registration.authority, &key);
  AppendPart(request.tenant, &key);
  AppendPart(registration.name, &key);
  AppendPart(registration.client_id, &key);
  AppendPart(request.scopes.canonical(), &key);
  AppendPart(request.resource, &key);
  AppendPart(request.audience, &key);
  AppendPart(request.client_claims, &key);
  AppendLength(registration.client_capabilities.size(), &key);
  for (const std::string& capability : registration.client_capabilities) {
    AppendPart(capability, &key);
  }
  AppendLength(request.extra_parameters.size(), &key);
  for (const auto& [name, value] : request.extra_parameters) {
    AppendPart(name, &key);
    AppendPart(value, &key);
  }
  return key;
}

std::string TenantPartition(const Authority& authority, absl::string_view tenant) {
  std::string partition;
  AppendAuthority(authority, &partition);
  AppendPart(tenant, &partition);
  return partition;
}

std::string PartitionOf(const AppTokenRequest& request) {
  std::string partition = TenantPartition(*request.registration->authority, request.tenant);
  if (request.tenant.empty()) AppendPart(request.registration->name, &partition);
  return partition;
}

std::string ForcedFlightKey(absl::string_view cache_key, absl::string_view claims_challenge) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(claims_challenge.data()), claims_challenge.size(),
         digest);
  std::string key;
  key.reserve(cache_key.size() + sizeof(digest) + 2);
  AppendPart(cache_key, &key);
  key.append(reinterpret_cast<const char*>(digest), sizeof(digest));
  return key;
}

}  // namespace tokensvc
