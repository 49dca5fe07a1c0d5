// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/allow_coalescer.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"

namespace tokensvc {

std::size_t AllowCoalescer::HashOf(const AuditRecord& record) {
  // A token belongs to one registration, tenant and set of scopes.
  if (record.token_fingerprint != 0) {
    return absl::HashOf(record.token_fingerprint, record.caller);
  }
  return absl::HashOf(record.caller, record.registration, record.tenant, record.scopes);
}

bool AllowCoalescer::Same(const AuditRecord& a, const AuditRecord& b) {
  return a.token_fingerprint == b.token_fingerprint && a.caller == b.caller &&
         a.listener == b.listener && a.method == b.method && a.registration == b.registration &&
         a.tenant == b.tenant && a.scopes == b.scopes && a.source == b.source && a.rule == b.rule &&
         a.policy_version == b.policy_version && a.reason == b.reason && a.cause == b.cause &&
         a.grant == b.grant && a.expires_at == b.expires_at && a.decision == b.decision;
}

bool AllowCoalescer::Count(const AuditRecord& record) {
  const std::size_t hash = HashOf(record);
  Shard& shard = shards_[(hash >> 56) % kShards];
  MutexLock lock(&shard.mutex);
  const auto found = shard.table.find(record, hash);
  if (found == shard.table.end()) return false;
  (*found)->Count(record.time);
  return true;
}

AllowCoalescer::Outcome AllowCoalescer::Add(const AuditRecord& record,
                                            absl::FunctionRef<bool(std::size_t)> reserve) {
  const std::size_t hash = HashOf(record);
  // The table uses the lower bits.
  Shard& shard = shards_[(hash >> 56) % kShards];
  MutexLock lock(&shard.mutex);
  const auto found = shard.table.find(record, hash);
  if (found != shard.table.end()) {
    (*found)->Count(record.time);
    return Outcome::kCounted;
  }
  if (!reserve(StoredAuditRecord::MemoryBytesOf(record))) return Outcome::kRefused;
  shard.table.insert(std::make_unique<StoredAuditRecord>(record));
  return Outcome::kKept;
}

std::vector<StoredAuditRecord> AllowCoalescer::Take() {
  std::vector<StoredAuditRecord> all;
  for (Shard& shard : shards_) {
    Table table;
    {
      MutexLock lock(&shard.mutex);
      table.swap(shard.table);
    }
    // An entry's hash depends on what is moved away here; the table does not look again.
    for (const Entry& entry : table) all.push_back(std::move(*entry));
  }
  std::sort(all.begin(), all.end(), [](const StoredAuditRecord& a, const StoredAuditRecord& b) {
    return a->time < b->time;
  });
  return all;
}

}  // namespace tokensvc
