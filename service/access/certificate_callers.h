// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_CERTIFICATE_CALLERS_H_
#define TOKENSVC_SERVICE_ACCESS_CERTIFICATE_CALLERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/expected.h"
#include "base/mutex.h"
#include "service/access/caller.h"
#include "service/access/certificate_refusal.h"
#include "service/jose/ssl_ptr.h"

namespace tokensvc {

/// Tells who a peer is by the client certificate that it showed in its handshake. Asked on every
/// call and not once per connection, so that a certificate that expires, or whose authority is no
/// longer trusted, ends with the connection still open. Certificates that were verified are
/// remembered, and then cost a comparison and a look at the clock. Thread-safe.
class CertificateCallers {
 public:
  /// How many certificates are remembered; the least recently used go. The largest is 64 KiB, one
  /// of a workload 1 to 2 KiB.
  struct Limits {
    std::size_t max_entries = 8192;
    std::size_t max_bytes = std::size_t{32} << 20;
  };

  /// Trusts nobody until `Trust`. `clock` must outlive it.
  explicit CertificateCallers(const Clock& clock) : CertificateCallers(clock, Limits()) {}
  CertificateCallers(const Clock& clock, Limits limits);

  /// From now on, only certificates that one of these (PEM) signed are good, whatever was good
  /// before. kInvalidArgument for a text that holds no certificate or a broken one: then everything
  /// stays as it was.
  absl::Status Trust(const std::string& ca_bundle_pem);

  /// The caller that the certificate `leaf_pem` names: the SPIFFE id, else the first URI, else the
  /// first DNS name (see `Caller::id`). `chain_pem` has the certificates that the peer showed with
  /// it, the leaf among them or not. That the peer has the leaf's private key is for the handshake
  /// to see. Takes some hundred ns for a certificate that it knows, else the time of a signature or
  /// two.
  Expected<std::shared_ptr<const Caller>, CertificateRefusal> Identify(
      absl::string_view leaf_pem, absl::string_view chain_pem) const;

  /// How many certificates are remembered, and what they take.
  std::size_t remembered() const;
  std::size_t remembered_bytes() const;

 private:
  struct Trusted {
    SslPtr<X509_STORE> store;
    std::uint64_t generation = 0;
  };
  /// What a certificate says, and when all certificates up to the trusted one are valid.
  struct Verified {
    std::shared_ptr<const Caller> caller;
    absl::Time not_before, not_after;
  };
  struct Entry {
    std::size_t hash;
    std::string leaf_pem;
    Verified verified;
    std::uint64_t generation;  ///< Of the trust by which it was verified.
    std::size_t bytes;
  };
  using Entries = std::list<Entry>;
  struct Shard {
    Mutex mutex;
    Entries entries ABSL_GUARDED_BY(mutex);  // The most recently used first.
    absl::flat_hash_map<std::size_t, Entries::iterator> by_hash ABSL_GUARDED_BY(mutex);
    std::size_t bytes ABSL_GUARDED_BY(mutex) = 0;
  };
  static constexpr std::size_t kShards = 16;

  Shard& ShardOf(std::size_t hash) const { return shards_[(hash >> 7) % kShards]; }
  static void Erase(Shard& shard, Entries::iterator entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  std::shared_ptr<const Caller> Recall(std::size_t hash, absl::string_view leaf_pem,
                                       absl::Time now) const;
  void Remember(std::size_t hash, absl::string_view leaf_pem, Verified verified,
                std::uint64_t generation) const;

  const Clock& clock_;
  const Limits per_shard_;
  mutable Mutex mutex_;
  std::shared_ptr<const Trusted> trusted_ ABSL_GUARDED_BY(mutex_);
  // That of `trusted_`, for calls whose certificate is remembered: these take no common lock.
  std::atomic<std::uint64_t> generation_{0};
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_CERTIFICATE_CALLERS_H_
