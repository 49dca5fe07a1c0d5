// SPDX-License-Identifier: Apache-2.0
#include "service/access/verified_tokens.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace tokensvc {
namespace {

// What the list, the table and the allocator add to an entry.
constexpr std::size_t kOverhead = 256;

std::size_t BytesOf(const std::vector<std::string>& texts) {
  std::size_t bytes = texts.capacity() * sizeof(std::string);
  for (const std::string& text : texts) bytes += text.capacity();
  return bytes;
}

std::size_t BytesOf(const VerifiedToken& token) {
  const JwtClaims& claims = token.claims;
  std::size_t bytes = sizeof(VerifiedToken) + kOverhead + BytesOf(claims.audiences) +
                      BytesOf(claims.scopes) + BytesOf(claims.roles);
  for (const std::string* text :
       {&token.issuer_name, &token.key_set, &token.caller_id, &claims.issuer, &claims.subject,
        &claims.id, &claims.tenant_id, &claims.object_id, &claims.authorized_party,
        &claims.identity_type, &claims.authentication}) {
    bytes += text->capacity();
  }
  return bytes;
}

// Fetched once: looking an algorithm up costs more than hashing a short token does.
const EVP_MD* Sha256Algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

}  // namespace

VerifiedTokens::VerifiedTokens(Limits limits)
    : per_shard_{std::max<std::size_t>(1, limits.max_entries / kShards),
                 limits.max_bytes / kShards} {}

VerifiedTokens::Id VerifiedTokens::IdOf(absl::string_view token) {
  Id id;
  unsigned int size = 0;
  // Fails only when memory is short or the algorithm is switched off: nothing here works then.
  if (EVP_Digest(token.data(), token.size(), id.data(), &size, Sha256Algorithm(), nullptr) != 1) {
    std::abort();
  }
  return id;
}

std::size_t VerifiedTokens::IdHash::operator()(const Id& id) const {
  std::size_t hash;
  std::memcpy(&hash, id.data(), sizeof(hash));
  return hash;
}

void VerifiedTokens::Erase(Shard& shard, Entries::iterator entry) {
  shard.bytes -= entry->bytes;
  shard.by_id.erase(entry->id);
  shard.entries.erase(entry);
}

VerifiedTokens::Value VerifiedTokens::Find(const Id& id, absl::Time now) {
  Shard& shard = ShardOf(id);
  MutexLock lock(&shard.mutex);
  const auto found = shard.by_id.find(id);
  if (found == shard.by_id.end()) return nullptr;
  const Entries::iterator entry = found->second;
  if (now >= entry->value->claims.expires_at) {
    Erase(shard, entry);
    return nullptr;
  }
  shard.entries.splice(shard.entries.begin(), shard.entries, entry);
  return entry->value;
}

void VerifiedTokens::Remember(const Id& id, Value value) {
  const std::size_t bytes = BytesOf(*value);
  if (bytes > per_shard_.max_bytes) return;
  Shard& shard = ShardOf(id);
  MutexLock lock(&shard.mutex);
  if (const auto found = shard.by_id.find(id); found != shard.by_id.end()) {
    Erase(shard, found->second);
  }
  shard.entries.push_front(Entry{id, std::move(value), bytes});
  shard.by_id.emplace(id, shard.entries.begin());
  shard.bytes += bytes;
  while (shard.entries.size() > per_shard_.max_entries || shard.bytes > per_shard_.max_bytes) {
    Erase(shard, std::prev(shard.entries.end()));
  }
}

void VerifiedTokens::Forget(const Id& id) {
  Shard& shard = ShardOf(id);
  MutexLock lock(&shard.mutex);
  if (const auto found = shard.by_id.find(id); found != shard.by_id.end()) {
    Erase(shard, found->second);
  }
}

std::size_t VerifiedTokens::size() const {
  std::size_t size = 0;
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    size += shard.entries.size();
  }
  return size;
}

std::size_t VerifiedTokens::bytes() const {
  std::size_t bytes = 0;
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    bytes += shard.bytes;
  }
  return bytes;
}

}  // namespace tokensvc
