// SPDX-License-Identifier: Apache-2.0
#include "cache/purge_epochs.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace tokensvc {
namespace {

std::uint32_t Tag(absl::string_view name) {
  const auto tag = static_cast<std::uint32_t>(absl::HashOf(name));
  return tag == 0 ? 1 : tag;  // 0: none.
}

}  // namespace

PurgeEpochs::PurgeEpochs() = default;

std::uint32_t PurgeEpochs::TagOf(const ScopeNames& names) {
  return names.empty() ? 0 : Tag(names.front());
}

bool PurgeEpochs::Changed(const PurgeTags& tags, std::uint64_t then) const {
  if (all_raised_at_ > then) return true;
  return std::any_of(tags.begin(), tags.end(), [&](std::uint32_t tag) {
    const auto found = raised_.find(tag);
    return found != raised_.end() && found->second > then;
  });
}

bool PurgeEpochs::ChangedSince(const PurgeTags& tags, std::uint64_t then) const {
  if (then == changes()) return false;
  MutexLock lock(&mutex_);
  return Changed(tags, then);
}

bool PurgeEpochs::IsStillFresh(const TokenRecord& record) const {
  MutexLock lock(&mutex_);
  if (record.generation() < floor_elsewhere_ || Changed(record.purge_tags(), record.fresh_at())) {
    return false;
  }
  record.SetFreshAt(changes_.load(std::memory_order_relaxed));
  return true;
}

std::uint64_t PurgeEpochs::EpochOf(const ScopeNames& names) const {
  MutexLock lock(&mutex_);
  std::uint64_t epoch = 0;
  for (const std::string& name : names) {
    if (const auto found = entries_.find(name); found != entries_.end()) {
      epoch = std::max(epoch, found->second.epoch);
    }
  }
  return epoch;
}

std::uint64_t PurgeEpochs::floor() const {
  MutexLock lock(&mutex_);
  return floor_;
}

bool PurgeEpochs::RaiseOne(const std::string& name, std::uint64_t epoch, std::uint64_t raised_at) {
  if (epoch == 0 || epoch > kMaxEpoch) return false;
  const auto [place, added] = entries_.try_emplace(name);
  if (epoch <= place->second.epoch) return false;
  // What was trimmed is no news when somebody shows it again.
  if (added && epoch <= floor_) {
    entries_.erase(place);
    return false;
  }
  place->second = {epoch, raised_at};
  raised_[Tag(name)] = raised_at;
  return true;
}

std::uint64_t PurgeEpochs::Raise(const ScopeNames& names, std::uint64_t at_least) {
  MutexLock lock(&mutex_);
  std::uint64_t epoch = std::max<std::uint64_t>({at_least, floor_ + 1, 1});
  for (const std::string& name : names) {
    if (const auto found = entries_.find(name); found != entries_.end()) {
      epoch = std::max(epoch, found->second.epoch + 1);
    }
  }
  epoch = std::min(epoch, kMaxEpoch);
  const std::uint64_t now = changes_.load(std::memory_order_relaxed) + 1;
  for (const std::string& name : names) {
    entries_[name] = {epoch, now};
    raised_[Tag(name)] = now;
  }
  Trim();
  // Last: whoever reads the new count and looks finds all of it.
  changes_.store(now, std::memory_order_release);
  return epoch;
}

bool PurgeEpochs::RaiseTo(const PurgeState& seen) {
  MutexLock lock(&mutex_);
  const std::uint64_t now = changes_.load(std::memory_order_relaxed) + 1;
  bool raised = false;
  for (const PurgeEpoch& each : seen.epochs) {
    if (RaiseOne(each.name, each.epoch, now)) raised = true;
  }
  if (seen.floor > floor_ && seen.floor <= kMaxEpoch) {
    floor_ = floor_elsewhere_ = seen.floor;
    raised = true;
  }
  if (!raised) return false;
  Trim();
  changes_.store(now, std::memory_order_release);
  return true;
}

void PurgeEpochs::ForgetRecords() {
  MutexLock lock(&mutex_);
  const std::uint64_t now = changes_.load(std::memory_order_relaxed) + 1;
  all_raised_at_ = now;
  changes_.store(now, std::memory_order_release);
}

void PurgeEpochs::Trim() {
  if (entries_.size() <= kMaxScopes) return;
  // Many at once, so that the next purges have room.
  const std::size_t too_many = entries_.size() - kMaxScopes * 15 / 16;
  std::vector<std::uint64_t> epochs;
  epochs.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) epochs.push_back(entry.epoch);
  const auto last = epochs.begin() + static_cast<std::ptrdiff_t>(too_many) - 1;
  std::nth_element(epochs.begin(), last, epochs.end());
  floor_ = std::max(floor_, *last);
  for (auto place = entries_.begin(); place != entries_.end();) {
    const auto here = place++;
    if (here->second.epoch > *last) continue;
    all_raised_at_ = std::max(all_raised_at_, here->second.raised_at);
    entries_.erase(here);
  }
  raised_.clear();
  for (const auto& [name, entry] : entries_) {
    std::uint64_t& raised = raised_[Tag(name)];
    raised = std::max(raised, entry.raised_at);
  }
}

PurgeState PurgeEpochs::Known() const {
  MutexLock lock(&mutex_);
  PurgeState known;
  known.floor = floor_;
  known.epochs.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) known.epochs.push_back({name, entry.epoch});
  return known;
}

std::size_t PurgeEpochs::size() const {
  MutexLock lock(&mutex_);
  return entries_.size();
}

}  // namespace tokensvc
