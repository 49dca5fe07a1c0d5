// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_TOKEN_RECORD_H_
#define TOKENSVC_CACHE_TOKEN_RECORD_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/token_fingerprinter.h"

namespace tokensvc {

/// What a record keeps of the scopes that it can be purged by (`PurgeEpochs::TagOf`): registration,
/// tenant, credential; 0: none.
using PurgeTags = std::array<std::uint32_t, 3>;

/// A token with its times, as caches hold it: to them it is a secret that ends. Immutable, but for
/// what `PurgeEpochs` keeps in it. Record, texts and reference count are one block of memory, so
/// that a million of them waste little and a look-up touches few cache lines. The token is
/// overwritten when the record ends.
class TokenRecord {
 public:
  struct Fields {
    absl::string_view token;
    absl::string_view granted_scopes;  ///< Space-separated; empty: not known.
    absl::Time expires_at;  ///< End of life, on the wall clock: for people and other machines.
    absl::Time refresh_at;  ///< `due`, on the wall clock.
    BootTime usable_until;  ///< Answered until here, on this machine's own steady clock.
    BootTime due;           ///< A refresh is due from here on.
    std::uint64_t generation = 0;  ///< Orders the versions of a record; greater is newer.
    PurgeTags purge_tags{};
    /// `PurgeEpochs::changes()` before the token was asked for.
    std::uint64_t fresh_at = 0;
  };

  /// Copies `fields`; the caller sees to its own copy of the token.
  static std::shared_ptr<const TokenRecord> Make(const Fields& fields);
  ~TokenRecord();
  TokenRecord(const TokenRecord&) = delete;
  TokenRecord& operator=(const TokenRecord&) = delete;

  /// The token's bytes. Valid while this object lives.
  absl::string_view RevealToken() const { return {text(), token_bytes_}; }
  /// Whether `token` is this record's, in time that depends on the lengths only.
  bool HasToken(const Secret& token) const;
  /// What names the token in audit records; computed once, by the one fingerprinter of the process.
  std::uint64_t FingerprintBy(const TokenFingerprinter& fingerprinter) const;
  absl::string_view granted_scopes() const { return {text() + token_bytes_, scopes_bytes_}; }

  absl::Time expires_at() const { return absl::FromUnixNanos(expires_at_); }
  absl::Time refresh_at() const { return absl::FromUnixNanos(refresh_at_); }
  BootTime usable_until() const { return usable_until_; }
  BootTime due() const { return due_; }
  std::uint64_t generation() const { return generation_; }

  const PurgeTags& purge_tags() const { return purge_tags_; }
  /// Up to which change of `PurgeEpochs` nothing that covers this record was purged.
  std::uint64_t fresh_at() const { return fresh_at_.load(std::memory_order_relaxed); }
  /// For `PurgeEpochs`.
  void SetFreshAt(std::uint64_t changes) const {
    fresh_at_.store(changes, std::memory_order_relaxed);
  }

  /// Bytes that this record takes, the allocator's share included.
  std::size_t MemoryBytes() const;

 private:
  template <class T>
  struct Allocator;
  struct Key {};

 public:
  /// For `Make` alone: the object must have room for the texts behind it.
  TokenRecord(Key, const Fields& fields);

 private:
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }

  std::int64_t expires_at_;  // nanoseconds since the Unix epoch
  std::int64_t refresh_at_;
  BootTime usable_until_;
  BootTime due_;
  std::uint64_t generation_;
  mutable std::atomic<std::uint64_t> fingerprint_{0};  ///< 0: not computed yet.
  mutable std::atomic<std::uint64_t> fresh_at_;
  PurgeTags purge_tags_;
  std::uint32_t token_bytes_;
  std::uint32_t scopes_bytes_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_TOKEN_RECORD_H_
