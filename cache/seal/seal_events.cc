// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/seal_events.h"

#include <string>

#include "base/key_ring.h"

namespace tokensvc {
namespace {

constexpr const char* kCauseNames[] = {"malformed", "unknown_format", "unknown_key", "forged",
                                       "stale",     "superseded",     "ahead"};

}  // namespace

SealEvents::SealEvents(MetricRegistry& metrics, Logger& logger, const Clock& clock,
                       std::int64_t worn_after)
    : metrics_(metrics), logger_(logger), clock_(clock), worn_after_(worn_after) {
  MutexLock lock(&mutex_);
  for (std::size_t i = 0; i < causes_.size(); ++i) {
    causes_[i].counter = &metrics_.AddCounter(
        "tokensvc_sealed_record_failures_total",
        "Records of the shared cache that were refused and served as misses, by cause. "
        "unknown_key and unknown_format come with a rotation or an upgrade in the wrong order, "
        "stale with a failover that lost writes, superseded with a store that is full or was away; "
        "else somebody else writes to the shared cache.",
        {{"cause", kCauseNames[i]}});
  }
}

void SealEvents::Refused(RefusalCause cause) {
  const auto index = static_cast<std::size_t>(cause);
  const BootTime now = clock_.Boot();
  MutexLock lock(&mutex_);
  Cause& entry = causes_[index];
  entry.counter->Increment();
  ++entry.since_logged;
  if (entry.logged_at.has_value() && now - *entry.logged_at < ToNanos(kLogInterval)) return;
  logger_.Warning(
      "sealed_record_refused",
      {{"cause", kCauseNames[index]}, {"records", static_cast<long long>(entry.since_logged)}});
  entry.logged_at = now;
  entry.since_logged = 0;
}

void SealEvents::Sealed(std::uint32_t key_id) {
  MutexLock lock(&mutex_);
  Key& key = CountersOf(key_id);
  key.sealed->Increment();
  if (++key.volume == worn_after_) {
    logger_.Warning("sealing_key_worn", {{"key", KeyIdText(key_id)},
                                         {"records_sealed", static_cast<long long>(key.volume)},
                                         {"advice", "rotate the sealing key"}});
  }
}

void SealEvents::Opened(std::uint32_t key_id) {
  MutexLock lock(&mutex_);
  CountersOf(key_id).opened->Increment();
}

SealEvents::Key& SealEvents::CountersOf(std::uint32_t key_id) {
  if (const auto found = keys_.find(key_id); found != keys_.end()) return found->second;
  const bool is_other = keys_.size() >= kMaxCountedKeys;
  if (is_other && other_keys_.has_value()) return *other_keys_;
  Key key;
  const MetricLabels labels = {{"key", is_other ? "other" : KeyIdText(key_id)}};
  key.sealed = &metrics_.AddCounter("tokensvc_records_sealed_total",
                                    "Records sealed for the shared cache, by sealing key.", labels);
  key.opened =
      &metrics_.AddCounter("tokensvc_records_opened_total",
                           "Records of the shared cache that were opened, by sealing key: one "
                           "that stays still for longer than tokens live is no longer needed.",
                           labels);
  if (is_other) return other_keys_.emplace(key);
  return keys_.emplace(key_id, key).first->second;
}

}  // namespace tokensvc
