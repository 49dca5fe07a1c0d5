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

bool TakeByte(char byte, absl::string_view* key) {
  if (key->empty() || key->front() != byte) return false;
  key->remove_prefix(1);
  return true;
}

/// The part that `AppendPart` put in front of the rest.
std::optional<absl::string_view> TakePart(absl::string_view* key) {
  std::size_t length = 0;
  for (int shift = 0;; shift += 7) {
    if (key->empty() || shift > 28) return std::nullopt;
    const auto byte = static_cast<unsigned char>(key->front());
    key->remove_prefix(1);
    length |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (length > key->size()) return std::nullopt;
  const absl::string_view part = key->substr(0, length);
  key->remove_prefix(length);
  return part;
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

std::optional<CacheKeyOwner> OwnerOfCacheKey(absl::string_view key) {
  if (!TakeByte(kFormat, &key) || !TakeByte(kGrantClientCredentials, &key) ||
      !TakeByte(kTokenTypeBearer, &key) || !TakePart(&key).has_value() || key.empty()) {
    return std::nullopt;
  }
  key.remove_prefix(1);  // the authority's kind
  const auto authority = TakePart(&key);
  const auto tenant = TakePart(&key);
  const auto registration = TakePart(&key);
  if (!authority.has_value() || !tenant.has_value() || !registration.has_value()) {
    return std::nullopt;
  }
  return CacheKeyOwner{std::string(*authority), std::string(*tenant), std::string(*registration)};
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
