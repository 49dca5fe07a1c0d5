// SPDX-License-Identifier: Apache-2.0
#include "service/source/failure_memory.h"

#include <algorithm>
#include <cmath>

namespace tokensvc {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Seconds(1);
constexpr absl::Duration kLongestBackoff = absl::Seconds(60);
constexpr double kBackoffJitter = 0.2;
// Long enough that a broken caller's loop costs the authority nothing, short enough that who mends
// a registration does not wait for us.
constexpr absl::Duration kRefusalHeld = absl::Seconds(10);
// An authority's word is kept to, up to here: beyond it a wrong one would look like an outage of
// ours.
constexpr absl::Duration kLongestThrottle = absl::Hours(1);
constexpr absl::Duration kDefaultThrottle = absl::Seconds(5);

}  // namespace

FailureMemory::Entry* FailureMemory::Table::Find(absl::string_view key) {
  const auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : &*it->second;
}

FailureMemory::Entry& FailureMemory::Table::Put(absl::string_view key, std::size_t max_entries) {
  if (Entry* found = Find(key); found != nullptr) return *found;
  if (entries_.size() >= max_entries) {
    entries_.erase(order_.front().key);
    order_.pop_front();
  }
  order_.emplace_back().key = std::string(key);
  const auto it = std::prev(order_.end());
  entries_.emplace(it->key, it);
  return *it;
}

void FailureMemory::Table::Erase(absl::string_view key) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return;
  const auto node = it->second;
  entries_.erase(it);
  order_.erase(node);
}

void FailureMemory::Table::EraseIf(bool (*condition)(const Entry&)) {
  for (auto it = order_.begin(); it != order_.end();) {
    if (condition(*it)) {
      entries_.erase(it->key);
      it = order_.erase(it);
    } else {
      ++it;
    }
  }
}

std::optional<Error> FailureMemory::Open(const Entry* entry, BootTime now) {
  if (entry == nullptr || now >= entry->until) return std::nullopt;
  Error error = entry->error;
  // What waiting does not help says nothing of when to come back, at first or remembered.
  if (error.retry_after.has_value()) error.retry_after = absl::FromChrono(entry->until - now);
  return error;
}

std::optional<Error> FailureMemory::Check(const Keys& keys, bool forced, BootTime now) {
  MutexLock lock(&mutex_);
  if (auto open = Open(throttled_.Find(keys.throttle), now)) return open;
  if (forced) {
    if (auto open = Open(throttled_forced_.Find(keys.throttle), now)) return open;
  }
  const Entry* entry = failed_.Find(keys.token);
  if (entry != nullptr && entry->refusal && forced) return std::nullopt;
  return Open(entry, now);
}

void FailureMemory::Remember(const Keys& keys, bool forced, const Error& error, double jitter,
                             BootTime now) {
  MutexLock lock(&mutex_);
  Table& throttled = forced ? throttled_forced_ : throttled_;
  switch (error.reason) {
    case Reason::kThrottled:
      return Throttle(throttled, keys.throttle, error, now);
    case Reason::kAuthorityUnavailable:
    case Reason::kAuthorityResponseInvalid:
    case Reason::kAuthorityUntrusted: {
      if (error.authority_said_when) Throttle(throttled, keys.throttle, error, now);
      Entry& entry = failed_.Put(keys.token, max_entries_);
      entry.failures = entry.refusal ? 1 : entry.failures + 1;
      entry.refusal = false;
      entry.error = error;
      absl::Duration wait = std::min(
          kFirstBackoff * std::pow(2.0, std::min(entry.failures - 1, 16)), kLongestBackoff);
      wait *= 1.0 + kBackoffJitter * (2.0 * jitter - 1.0);
      if (error.retry_after.has_value()) {
        wait = std::max(wait, std::min(*error.retry_after, kLongestThrottle));
      }
      entry.until = now + ToNanos(wait);
      return;
    }
    case Reason::kScopeNotAccepted:
    case Reason::kInvalidRequest:
    case Reason::kRegistrationMisconfigured:
    case Reason::kInteractionRequired: {
      Entry& entry = failed_.Put(keys.token, max_entries_);
      entry.error = error;
      entry.failures = 0;
      entry.refusal = true;
      entry.until = now + ToNanos(kRefusalHeld);
      return;
    }
    default:
      return;
  }
}

void FailureMemory::Throttle(Table& table, absl::string_view key, const Error& error,
                             BootTime now) {
  Entry& entry = table.Put(key, max_entries_);
  entry.error = error;
  const absl::Duration wait =
      std::min(error.retry_after.value_or(kDefaultThrottle), kLongestThrottle);
  // A shorter word does not take back a longer one that is still running.
  entry.until = std::max(entry.until, now + ToNanos(wait));
}

void FailureMemory::Forget(const Keys& keys) {
  MutexLock lock(&mutex_);
  failed_.Erase(keys.token);
}

void FailureMemory::ForgetRefusals() {
  MutexLock lock(&mutex_);
  failed_.EraseIf([](const Entry& entry) {
    return entry.refusal || entry.error.reason == Reason::kAuthorityUntrusted;
  });
}

std::size_t FailureMemory::size() const {
  MutexLock lock(&mutex_);
  return throttled_.size() + throttled_forced_.size() + failed_.size();
}

}  // namespace tokensvc
