// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_MEMORY_BLOB_STORE_H_
#define TOKENSVC_CACHE_MEMORY_BLOB_STORE_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "cache/blob_store.h"

namespace tokensvc {

/// What a `MemoryBlobStore` holds; several stores over one of these are replicas over one Redis.
/// Thread-safe. Has no bound: for tests, and as the reference of the contract.
class MemoryBlobs {
 public:
  /// `clock` plays the shared store's own clock; it outlives this.
  explicit MemoryBlobs(const Clock& clock) : clock_(clock) {}

  std::optional<std::string> Get(const std::string& key) const {
    MutexLock lock(&mutex_);
    const Entry* const entry = Find(key);
    if (entry == nullptr) return std::nullopt;
    return entry->bytes;
  }

  BlobStore::PutOutcome Put(const std::string& key, std::string blob, std::uint64_t generation,
                            absl::Time expires_at) {
    MutexLock lock(&mutex_);
    const std::optional<std::uint64_t> stored = GenerationOf(key);
    const std::uint64_t last = NowMicros() + kMaxGenerationLead;
    const bool ahead = stored.has_value() && *stored > last && generation <= last;
    if (stored.has_value() && *stored >= generation && !ahead) {
      return BlobStore::PutOutcome::kOlder;
    }
    entries_[key] = {std::move(blob), expires_at};
    return ahead ? BlobStore::PutOutcome::kOverwroteAhead : BlobStore::PutOutcome::kStored;
  }

  std::uint64_t NextGeneration(const std::string& key) const {
    MutexLock lock(&mutex_);
    const std::uint64_t now = NowMicros();
    const std::optional<std::uint64_t> stored = GenerationOf(key);
    if (!stored.has_value() || *stored > now + kMaxGenerationLead) return now;
    return std::max(*stored + 1, now);
  }

  std::string PutIfUnchanged(const std::string& key, const std::string& expected, std::string value,
                             absl::Time expires_at) {
    MutexLock lock(&mutex_);
    const Entry* const entry = Find(key);
    if (entry != nullptr && !entry->bytes.empty() && entry->bytes != expected) return entry->bytes;
    entries_[key] = {value, expires_at};
    return value;
  }

  /// Writes past every rule, as somebody with access to the store could.
  void Overwrite(const std::string& key, std::string bytes) {
    MutexLock lock(&mutex_);
    entries_[key] = {std::move(bytes), absl::InfiniteFuture()};
  }

  void Flush() {
    MutexLock lock(&mutex_);
    entries_.clear();
  }

  /// The names of all that was ever put and not flushed.
  std::vector<std::string> Keys() const {
    MutexLock lock(&mutex_);
    std::vector<std::string> keys;
    for (const auto& [key, entry] : entries_) keys.push_back(key);
    return keys;
  }

 private:
  struct Entry {
    std::string bytes;
    absl::Time expires_at;
  };

  std::uint64_t NowMicros() const {
    return static_cast<std::uint64_t>(absl::ToUnixMicros(clock_.Now()));
  }
  const Entry* Find(const std::string& key) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.expires_at <= clock_.Now()) return nullptr;
    return &found->second;
  }
  std::optional<std::uint64_t> GenerationOf(const std::string& key) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const Entry* const entry = Find(key);
    return entry == nullptr ? std::nullopt : BlobGeneration(entry->bytes);
  }

  const Clock& clock_;
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

/// A BlobStore in memory.
class MemoryBlobStore final : public BlobStore {
 public:
  explicit MemoryBlobStore(std::shared_ptr<MemoryBlobs> blobs) : blobs_(std::move(blobs)) {}

  asio::awaitable<std::vector<absl::StatusOr<std::optional<std::string>>>> GetMany(
      std::vector<std::string> keys) override {
    std::vector<absl::StatusOr<std::optional<std::string>>> found;
    found.reserve(keys.size());
    for (const std::string& key : keys) found.emplace_back(blobs_->Get(key));
    co_return found;
  }

  asio::awaitable<absl::StatusOr<PutOutcome>> Put(std::string key, std::string blob,
                                                  std::uint64_t generation,
                                                  absl::Time expires_at) override {
    if (BlobGeneration(blob) != generation) {
      co_return absl::InvalidArgumentError("the blob's header has another generation");
    }
    if (expires_at <= absl::UnixEpoch() || expires_at == absl::InfiniteFuture()) {
      co_return absl::InvalidArgumentError("a blob needs an expiry");
    }
    co_return blobs_->Put(key, std::move(blob), generation, expires_at);
  }

  asio::awaitable<absl::StatusOr<std::uint64_t>> NextGeneration(std::string key) override {
    co_return blobs_->NextGeneration(key);
  }

  asio::awaitable<absl::StatusOr<std::string>> PutIfUnchanged(std::string key, std::string expected,
                                                              std::string value,
                                                              absl::Time expires_at) override {
    if (expires_at <= absl::UnixEpoch() || expires_at == absl::InfiniteFuture()) {
      co_return absl::InvalidArgumentError("a value needs an expiry");
    }
    co_return blobs_->PutIfUnchanged(key, expected, std::move(value), expires_at);
  }

 private:
  const std::shared_ptr<MemoryBlobs> blobs_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_MEMORY_BLOB_STORE_H_
