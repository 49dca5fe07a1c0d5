// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_BLOB_STORE_H_
#define TOKENSVC_CACHE_BLOB_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "asio/awaitable.hpp"

namespace tokensvc {

/// Bytes under opaque keys, shared by all replicas (DESIGN.md §5). Belongs to one event loop.
///
/// A blob begins with a header in clear: format (1 byte), kind (1), id of the sealing key (4),
/// generation (8, big endian), four purge epochs (8 each). A store reads the generation and nothing
/// else, and trusts it no further than `kMaxGenerationLead`: whoever can write there could have
/// made it.
///
/// Errors of every call: kUnavailable (no connection, or the store is not able to answer now),
/// kDeadlineExceeded, kResourceExhausted (a bound of this client, or the store is full),
/// kPermissionDenied, kInternal (an answer that is none), kInvalidArgument (the caller's fault).
class BlobStore {
 public:
  enum class PutOutcome {
    kStored,
    kOlder,  ///< What is there has a generation that is not smaller; nothing was changed.
    /// Stored, over a blob of a generation that nobody can have handed out (kMaxGenerationLead).
    kOverwroteAhead,
  };

  virtual ~BlobStore() = default;

  /// One answer for each key, in order, in one round trip for all; `nullopt`: there is nothing
  /// under that key. Where something else than bytes is there, the answer is an empty blob.
  virtual asio::awaitable<std::vector<absl::StatusOr<std::optional<std::string>>>> GetMany(
      std::vector<std::string> keys) = 0;

  /// Stores `blob` until `expires_at` (on the shared store's own clock, to the millisecond), unless
  /// what is there has a generation that is not smaller. `generation` is the one in the blob's
  /// header. What is there and ahead by more than kMaxGenerationLead hinders only blobs that are so
  /// themselves.
  virtual asio::awaitable<absl::StatusOr<PutOutcome>> Put(std::string key, std::string blob,
                                                          std::uint64_t generation,
                                                          absl::Time expires_at) = 0;

  /// A generation for the next blob of `key`: max(stored generation + 1, the store's clock in µs),
  /// where a stored one that is ahead by more than kMaxGenerationLead does not count.
  virtual asio::awaitable<absl::StatusOr<std::uint64_t>> NextGeneration(std::string key) = 0;

  /// Sets `value` under `key` until `expires_at` if there is nothing, or exactly `expected`, and
  /// returns what stands then. An empty value counts as nothing. For the key-check value; its
  /// header is not looked at here.
  virtual asio::awaitable<absl::StatusOr<std::string>> PutIfUnchanged(std::string key,
                                                                      std::string expected,
                                                                      std::string value,
                                                                      absl::Time expires_at) = 0;
};

/// Where the generation stands in a blob's header.
inline constexpr std::size_t kBlobGenerationOffset = 6;
/// Generations are below this: scripts of the store count in doubles.
inline constexpr std::uint64_t kMaxGeneration = (std::uint64_t{1} << 53) - 1;

/// How far a stored generation may be ahead of the store's clock, in µs: a day, which is more than
/// clocks are put back by. One that is further ahead was not handed out but written by somebody
/// else, and would otherwise block its key until it is deleted, or for ever at kMaxGeneration.
inline constexpr std::uint64_t kMaxGenerationLead = std::uint64_t{24} * 3600 * 1'000'000;

/// The generation in the header of `blob`. None where the blob is too short, or the number too
/// large to have been handed out: such a blob is nothing that a newer one must respect.
inline std::optional<std::uint64_t> BlobGeneration(absl::string_view blob) {
  if (blob.size() < kBlobGenerationOffset + 8) return std::nullopt;
  std::uint64_t generation = 0;
  for (const char byte : blob.substr(kBlobGenerationOffset, 8)) {
    generation = generation << 8 | static_cast<unsigned char>(byte);
  }
  if (generation > kMaxGeneration) return std::nullopt;
  return generation;
}

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_BLOB_STORE_H_
