// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/sealed_store.h"

#include <openssl/crypto.h>

#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>

namespace tokensvc {
namespace {

constexpr std::size_t kCheckValueBytes = SealedHeader::kBytes + 32;
// Not a record's: replicas of all releases compare the same value.
constexpr std::uint8_t kCheckFormat = 1;
// A blob of the store needs an expiry. When it comes, the next replica leaves a new value.
constexpr absl::Duration kCheckValueLife = absl::Hours(24 * 365);

RefusalCause CauseOf(OpenFailure failure) {
  switch (failure) {
    case OpenFailure::kMalformed:
      return RefusalCause::kMalformed;
    case OpenFailure::kUnknownFormat:
      return RefusalCause::kUnknownFormat;
    case OpenFailure::kUnknownKey:
      return RefusalCause::kUnknownKey;
    case OpenFailure::kForged:
      break;
  }
  return RefusalCause::kForged;
}

}  // namespace

SealedStore::SealedStore(Options options, Dependencies dependencies)
    : blobs_(dependencies.blobs),
      keys_(dependencies.keys),
      fleet_clock_(dependencies.fleet_clock),
      floors_(dependencies.floors),
      events_(dependencies.events),
      logger_(dependencies.logger),
      names_(std::move(options.key_prefix), std::move(options.keyspace)),
      sealer_(dependencies.random, options.formats) {}

std::string SealedStore::StoreKey(absl::string_view canonical_key) {
  return names_.RecordKey(keys_.Current()->index.primary(), canonical_key);
}

asio::awaitable<std::vector<SealedStore::Found>> SealedStore::GetMany(
    std::vector<RecordName> names) {
  const absl::Status clock = fleet_clock_.Now().status();
  if (!clock.ok()) co_return std::vector<Found>(names.size(), clock);
  const std::shared_ptr<const KeyRings> rings = keys_.Current();
  std::vector<Found> found(names.size(), Found(nullptr));
  std::vector<std::size_t> which(names.size());
  std::iota(which.begin(), which.end(), std::size_t{0});
  co_await Look(*rings, rings->index.primary(), names, std::move(which), found);

  if (const RingKey* previous = rings->index.previous(); previous != nullptr) {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i].ok() && *found[i] == nullptr) missing.push_back(i);
    }
    if (!missing.empty()) {
      co_await Look(*rings, *previous, names, std::move(missing), found);
    }
  }
  co_return found;
}

asio::awaitable<void> SealedStore::Look(const KeyRings& rings, const RingKey& index_key,
                                        const std::vector<RecordName>& names,
                                        std::vector<std::size_t> which, std::vector<Found>& found) {
  std::vector<std::string> keys;
  std::vector<std::uint64_t> floors;
  keys.reserve(which.size());
  floors.reserve(which.size());
  for (const std::size_t i : which) {
    keys.push_back(names_.RecordKey(index_key, names[i].key));
    floors.push_back(floors_.Floor(names[i].key));
  }
  std::vector<std::string> asked = keys;
  auto blobs = co_await blobs_.GetMany(std::move(asked));
  // The clocks may have changed while the answer was on its way.
  const absl::StatusOr<FleetInstant> now = fleet_clock_.Now();
  for (std::size_t n = 0; n < which.size(); ++n) {
    Found& result = found[which[n]];
    if (n >= blobs.size()) {
      result = absl::InternalError("the store answered fewer keys than it was asked for");
    } else if (!blobs[n].ok()) {
      result = blobs[n].status();
    } else if (!now.ok()) {
      result = now.status();
    } else if (blobs[n]->has_value()) {
      result = Open(rings, names[which[n]], keys[n], **blobs[n], *now);
      if (*result == nullptr) continue;
      const std::uint64_t generation = (*result)->generation();
      if (floors_.Raise(names[which[n]].key, generation)) continue;
      // What this process wrote while the answer was on its way is nobody's doing.
      if (generation < floors[n]) events_.Refused(RefusalCause::kStale);
      result = Found(nullptr);
    }
  }
}

std::shared_ptr<const TokenRecord> SealedStore::Open(const KeyRings& rings, const RecordName& name,
                                                     absl::string_view store_key,
                                                     absl::string_view blob,
                                                     const FleetInstant& now) {
  const SealedPlace place{names_.keyspace(), store_key, name.partition};
  const auto opened = sealer_.Open(rings.sealing, SealedKind::kAppAccessToken, place, blob);
  if (!opened.ok()) {
    events_.Refused(CauseOf(opened.error()));
    return nullptr;
  }
  events_.Opened(opened->header.key_id);
  std::shared_ptr<const TokenRecord> record =
      codec_.Unpack(opened->content.Reveal(), opened->header.generation, now);
  if (record == nullptr) {
    events_.Refused(RefusalCause::kMalformed);
    return nullptr;
  }
  return record->usable_until() > now.boot ? record : nullptr;
}

asio::awaitable<absl::Status> SealedStore::Put(RecordName name,
                                               std::shared_ptr<const TokenRecord> record) {
  const absl::StatusOr<FleetInstant> now = fleet_clock_.Now();
  if (!now.ok()) co_return now.status();
  if (record->usable_until() <= now->boot) co_return absl::OkStatus();
  if (record->generation() > kMaxGeneration) {
    co_return absl::InvalidArgumentError("the record's generation is out of range");
  }
  const std::optional<Secret> packed = codec_.Pack(*record, *now);
  if (!packed.has_value()) {
    co_return absl::InvalidArgumentError("the record is too large, or its times out of range");
  }
  // As if the store had refused it.
  if (!floors_.Raise(name.key, record->generation())) co_return absl::OkStatus();

  const std::shared_ptr<const KeyRings> rings = keys_.Current();
  std::string key = names_.RecordKey(rings->index.primary(), name.key);
  SealedHeader header;
  header.kind = SealedKind::kAppAccessToken;
  header.generation = record->generation();
  std::string blob = sealer_.Seal(rings->sealing, header, {names_.keyspace(), key, name.partition},
                                  packed->Reveal());
  events_.Sealed(rings->sealing.primary().id);
  const absl::Time expires_at = RecordCodec::ExpiresAt(*record, *now);
  const auto outcome =
      co_await blobs_.Put(std::move(key), std::move(blob), header.generation, expires_at);
  if (outcome.ok() && *outcome == BlobStore::PutOutcome::kOverwroteAhead) {
    events_.Refused(RefusalCause::kAhead);
  }
  co_return outcome.status();
}

// A header, as scripts of the store want it, and a proof over it.
std::string SealedStore::CheckValue(const RingKey& key, std::uint64_t generation) {
  SealedHeader header;
  header.format = kCheckFormat;
  header.kind = SealedKind::kKeyCheck;
  header.key_id = key.id;
  header.generation = generation;
  std::string value = header.Write();
  return value + names_.CheckProof(key, value);
}

const RingKey* SealedStore::KeyOfCheckValue(const KeyRing& ring, absl::string_view value) {
  if (value.size() != kCheckValueBytes) return nullptr;
  const SealedHeader header = SealedHeader::Read(value);
  const RingKey* key = ring.Find(header.key_id);
  if (key == nullptr) return nullptr;
  const std::string expected = CheckValue(*key, header.generation);
  return CRYPTO_memcmp(expected.data(), value.data(), value.size()) == 0 ? key : nullptr;
}

asio::awaitable<absl::Status> SealedStore::CheckKeys() {
  const std::shared_ptr<const KeyRings> rings = keys_.Current();
  std::string mine = CheckValue(rings->index.primary(), 1);
  const auto stands = co_await blobs_.PutIfAbsent(names_.CheckKey(), std::move(mine));
  if (!stands.ok()) co_return stands.status();
  const RingKey* key = KeyOfCheckValue(rings->index, *stands);
  if (key != nullptr && key->state == KeyState::kRetired) {
    // Best effort: the other replicas have the new key by now, and may drop the retired one.
    const std::uint64_t generation = SealedHeader::Read(*stands).generation + 1;
    std::string next = CheckValue(rings->index.primary(), generation);
    const absl::Time expires_at = fleet_clock_.Estimate() + kCheckValueLife;
    static_cast<void>(
        co_await blobs_.Put(names_.CheckKey(), std::move(next), generation, expires_at));
  }
  co_return ReportKeys(key != nullptr);
}

absl::Status SealedStore::ReportKeys(bool agree) {
  if (agree != keys_agree_) {
    keys_agree_ = agree;
    if (agree) {
      logger_.Info("shared_cache_keys_agree");
    } else {
      logger_.Error("shared_cache_keys_differ",
                    {{"advice",
                      "give this replica the index key file and keyspace of the others; if no "
                      "replica has them any more, delete the shared cache's key that ends in "
                      "\"check\""}});
    }
  }
  if (agree) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the replicas that use this shared cache have other index keys or another keyspace");
}

}  // namespace tokensvc
