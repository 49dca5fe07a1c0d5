// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/purge_namer.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tokensvc {

PurgeNamer::PurgeNamer(const KeyRingSource& keys, std::string keyspace)
    : keys_(keys), names_(/*key_prefix=*/"", std::move(keyspace)) {}

ScopeNames PurgeNamer::NamesOf(const PurgeScope& scope) {
  if (scope.name.empty()) return {};
  const auto kind = static_cast<std::uint8_t>(scope.kind);
  std::string what = absl::StrCat(kind, ":", scope.name);
  std::shared_ptr<const KeyRings> rings = keys_.Current();
  MutexLock lock(&mutex_);
  if (rings != rings_ || kept_.size() >= kMaxKept) {
    kept_.clear();
    rings_ = std::move(rings);
  }
  const auto [place, added] = kept_.try_emplace(std::move(what));
  ScopeNames& names = place->second;
  if (added) {
    const RingKey& primary = rings_->index.primary();
    names.push_back(names_.PurgeName(primary, kind, scope.name));
    for (const RingKey& key : rings_->index.keys()) {
      if (key.id != primary.id) names.push_back(names_.PurgeName(key, kind, scope.name));
    }
  }
  return names;
}

}  // namespace tokensvc
