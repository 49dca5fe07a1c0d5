// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_SEALED_STORE_H_
#define TOKENSVC_CACHE_SEAL_SEALED_STORE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "asio/awaitable.hpp"
#include "base/random.h"
#include "cache/blob_store.h"
#include "cache/fleet_clock.h"
#include "cache/generation_floors.h"
#include "cache/purge_epochs.h"
#include "cache/seal/key_agreement.h"
#include "cache/seal/key_files.h"
#include "cache/seal/opaque_names.h"
#include "cache/seal/purge_namer.h"
#include "cache/seal/record_codec.h"
#include "cache/seal/seal_events.h"
#include "cache/seal/sealer.h"
#include "cache/shared_store.h"

namespace tokensvc {

/// The shared cache over a store that must learn nothing and is trusted with nothing (DESIGN.md §2,
/// invariant 6): records are packed and sealed, their keys are HMACs, and what does not open, was
/// made for another key, partition or keyspace, or is older than what this process has seen, is a
/// miss, counted and logged. Belongs to one event loop.
///
/// When keys rotate, what a replica writes goes under both primary keys. Reading takes any key of
/// the sealing ring, and of the index ring the primary and, for what is not found there, the one
/// before: a second round trip, only while the ring has a retired key. Nothing is sealed again on
/// reading: the store refuses a record of the generation that it has, and a new generation would
/// let an old token overwrite a newer one. App tokens are soon written anew; a retired key may go
/// when the last token that was written under it has expired.
class SealedStore final : public SharedStore {
 public:
  struct Options {
    std::string key_prefix = "tokensvc:";
    std::string keyspace;
    SealedFormats formats = {};
  };
  /// All of them outlive the store; what is thread-safe may be shared with other loops' stores, and
  /// `floors`, `events` and `agreement` are to be.
  struct Dependencies {
    BlobStore& blobs;
    const KeyRingSource& keys;
    const FleetClock& fleet_clock;
    GenerationFloors& floors;
    SealEvents& events;
    KeyAgreement& agreement;
    RandomGenerator& random;
    PurgeEpochs& purges;
    PurgeNamer& purge_namer;
  };
  /// How long a check value stands that nobody refreshes: that of a replica with wrong keys is
  /// gone so long after it has ended.
  static constexpr absl::Duration kCheckValueLife = absl::Minutes(10);

  SealedStore(Options options, Dependencies dependencies);

  /// Errors of this and of `Put`: those of the store below, those of `FleetClock::Now`, since a
  /// record's times mean nothing without the fleet's, kUnavailable while the purges are not known
  /// (`PurgeEpochs::current`), and kFailedPrecondition while the keys disagree; the store is not
  /// asked in the last three cases. A record that was purged is none, and not stored.
  asio::awaitable<std::vector<absl::StatusOr<std::shared_ptr<const TokenRecord>>>> GetMany(
      std::vector<RecordName> names) override;

  /// And kInvalidArgument for a record that is too large to be
  /// shared, or whose generation or times are out of range.
  asio::awaitable<absl::Status> Put(RecordName name,
                                    std::shared_ptr<const TokenRecord> record) override;

  /// Compares this replica's keys of both rings and its keyspace with the other replicas', by a
  /// value that the first of them leaves in the store, and all who agree with refresh; to be called
  /// on every new connection, and several times in `kCheckValueLife`. kFailedPrecondition: they
  /// differ; `agreement` has been told, and nothing is shared until they agree. A value of keys
  /// that are pending or retired here is a rotation under way, and fine; whoever finds one of a
  /// retired key replaces it. Other errors: nothing is known.
  asio::awaitable<absl::Status> CheckKeys();

  /// The key under which the store has, and numbers, the record of `canonical_key`.
  std::string StoreKey(absl::string_view canonical_key);

 private:
  enum class CheckVerdict {
    kForeign,  ///< Of keys that this replica does not have, or of another keyspace.
    kRetired,  ///< One of the keys is retired here.
    kCurrent,
  };
  using Found = absl::StatusOr<std::shared_ptr<const TokenRecord>>;

  /// Looks for the names of the indices in `which`; what it finds goes to the same places of
  /// `found`.
  asio::awaitable<void> Look(const KeyRings& rings, const RingKey& index_key,
                             const std::vector<RecordName>& names, std::vector<std::size_t> which,
                             std::vector<Found>& found);
  /// Null for what is refused or has expired.
  std::shared_ptr<const TokenRecord> Open(const KeyRings& rings, const RecordName& name,
                                          absl::string_view store_key, absl::string_view blob,
                                          const FleetInstant& now);
  /// Whether what carries `stamp` and `fields` was not purged; if so, sets what `fields` needs for
  /// later purges. What the stamp knows of purges is learnt.
  bool IsFresh(const RecordName& name, const PurgeStamp& stamp, TokenRecord::Fields& fields);
  std::string CheckValue(const RingKey& sealing, const RingKey& index);
  CheckVerdict Judge(const KeyRings& rings, absl::string_view value);

  BlobStore& blobs_;
  const KeyRingSource& keys_;
  const FleetClock& fleet_clock_;
  GenerationFloors& floors_;
  SealEvents& events_;
  KeyAgreement& agreement_;
  PurgeEpochs& purges_;
  PurgeNamer& purge_namer_;

  OpaqueNames names_;
  Sealer sealer_;
  RecordCodec codec_;
  /// The check value that this store last agreed with.
  std::string agreed_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_SEALED_STORE_H_
