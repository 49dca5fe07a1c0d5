// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_SEALER_H_
#define TOKENSVC_CACHE_SEAL_SEALER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/expected.h"
#include "base/key_ring.h"
#include "base/random.h"
#include "base/secret.h"
#include "cache/seal/hmac_sha256.h"

namespace tokensvc {

/// What a blob of the shared store is. Part of what its seal protects.
enum class SealedKind : std::uint8_t {
  kAppAccessToken = 1,
  kKeyCheck = 2,  ///< Not sealed: see `SealedStore::CheckKeys`.
};

/// The clear part of a blob. Every format has the generation in the same place, because the shared
/// store's scripts read it there.
struct SealedHeader {
  static constexpr std::size_t kBytes = 46;

  std::uint8_t format = 0;
  SealedKind kind = SealedKind::kAppAccessToken;
  std::uint32_t key_id = 0;
  std::uint64_t generation = 0;  ///< Orders the versions of a record; greater is newer.
  /// Zero, and not looked at: epochs are in the sealed content, where nobody who reads the store
  /// sees by them which records belong together.
  std::array<std::uint64_t, 4> purge_epochs{};

  /// The bytes, in big-endian order: format, kind, key id, generation, purge epochs.
  std::string Write() const;
  /// `blob` has `kBytes` at least.
  static SealedHeader Read(absl::string_view blob);
};

/// A layout of blobs: of the header, the associated data and the content. A change to any of them
/// is another format.
struct SealedFormat {
  std::uint8_t number = 0;
};

/// What this release reads: the newest format and the one before it, so that replicas of two
/// releases understand each other. There is only one so far.
inline constexpr SealedFormat kSealedFormats[] = {{1}};

/// The formats of one release, as a replica uses them.
struct SealedFormats {
  absl::Span<const SealedFormat> readable = kSealedFormats;  ///< Outlives its users.
  /// One of them. Writers move to the newer one when all replicas read it.
  std::uint8_t written = 1;
};

/// Where a blob lies, and whose it is: with the header, what its seal is bound to.
struct SealedPlace {
  absl::string_view keyspace;
  absl::string_view key;  ///< As the shared store knows it.
  absl::string_view partition;
};

/// Why a blob was not opened. None of it is anything but a miss to those who ask for tokens.
enum class OpenFailure {
  kMalformed,      ///< Too short or too long, or not of the kind that was asked for.
  kUnknownFormat,  ///< A format that this release does not read: a newer one's, or garbage.
  kUnknownKey,     ///< Sealed under a key that is not in the ring.
  kForged,         ///< Altered, or sealed for another place.
};

/// Seals with AES-256-GCM (NIST SP 800-38D) under a key per sealing key and partition, which
/// HKDF-SHA-256 (RFC 5869) derives. A blob is header, 96-bit random nonce, ciphertext, 128-bit tag;
/// the associated data are the header and the place, each part behind its length. Belongs to one
/// event loop; not thread-safe.
class Sealer {
 public:
  static constexpr std::size_t kNonceBytes = 12;
  static constexpr std::size_t kTagBytes = 16;
  /// What a blob has more than its content.
  static constexpr std::size_t kOverheadBytes = SealedHeader::kBytes + kNonceBytes + kTagBytes;
  /// What a reader looks at; records have 100 KB at most.
  static constexpr std::size_t kMaxBlobBytes = std::size_t{1} << 20;
  /// How many derived keys are kept; beyond it, all are forgotten.
  static constexpr std::size_t kMaxDerivedKeys = 1024;

  struct Opened {
    SealedHeader header;
    Secret content;
  };

  explicit Sealer(RandomGenerator& random, SealedFormats formats = {});
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  /// Seals `content` under the primary key of `ring`; `header.key_id` and `header.format` are set
  /// here. Aborts where OpenSSL fails, which it does only without memory.
  std::string Seal(const KeyRing& ring, SealedHeader header, const SealedPlace& place,
                   absl::string_view content);

  /// Opens a blob of `kind` under whichever key of `ring` it names. Takes hostile input.
  Expected<Opened, OpenFailure> Open(const KeyRing& ring, SealedKind kind, const SealedPlace& place,
                                     absl::string_view blob);

 private:
  struct Ciphers;

  bool Reads(std::uint8_t format) const;
  const Secret& DerivedKey(const RingKey& key, absl::string_view partition);

  RandomGenerator& random_;
  const SealedFormats formats_;
  std::unique_ptr<Ciphers> ciphers_;
  HmacSha256 hmac_;
  /// By sealing key and partition.
  absl::flat_hash_map<std::string, Secret> derived_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_SEALER_H_
