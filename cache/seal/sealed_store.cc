// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/sealed_store.h"

#include <openssl/crypto.h>

#include <cstdint>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>

namespace tokensvc {
namespace {

constexpr std::size_t kProofBytes = 32;
// A check value: the header, which has the index key's id; the sealing key's id; what proves that
// its writer has the sealing key; what proves the index key, over all before it.
constexpr std::size_t kCheckValueBytes = SealedHeader::kBytes + 4 + 2 * kProofBytes;
// Not a record's: replicas of all releases compare the same value.
constexpr std::uint8_t kCheckFormat = 1;

absl::Status KeysDisagree() {
  return absl::FailedPreconditionError(
      "the replicas that use this shared cache have other keys or another keyspace");
}

absl::Status PurgesUnknown() {
  return absl::UnavailableError("it is not known what was purged in the shared cache");
}

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
      agreement_(dependencies.agreement),
      purges_(dependencies.purges),
      purge_namer_(dependencies.purge_namer),
      names_(std::move(options.key_prefix), std::move(options.keyspace)),
      sealer_(dependencies.random, options.formats) {}

std::string SealedStore::StoreKey(absl::string_view canonical_key) {
  return names_.RecordKey(keys_.Current()->index.primary(), canonical_key);
}

asio::awaitable<std::vector<SealedStore::Found>> SealedStore::GetMany(
    std::vector<RecordName> names) {
  if (agreement_.disagrees()) co_return std::vector<Found>(names.size(), KeysDisagree());
  if (!purges_.current()) co_return std::vector<Found>(names.size(), PurgesUnknown());
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
  std::vector<GenerationFloors::Seen> floors;
  keys.reserve(which.size());
  floors.reserve(which.size());
  for (const std::size_t i : which) {
    keys.push_back(names_.RecordKey(index_key, names[i].key));
    floors.push_back(floors_.Newest(names[i].key));
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
    } else if (!purges_.current()) {
      result = PurgesUnknown();
    } else if (blobs[n]->has_value()) {
      result = Open(rings, names[which[n]], keys[n], **blobs[n], *now);
      if (*result == nullptr) continue;
      const std::uint64_t generation = (*result)->generation();
      if (floors_.Raise(names[which[n]].key, generation)) continue;
      // What this process wrote while the answer was on its way is nobody's doing.
      if (generation < floors[n].generation) {
        events_.Refused(floors[n].unstored ? RefusalCause::kSuperseded : RefusalCause::kStale);
      }
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
  bool purged = false;
  const auto check = [&](const PurgeStamp& stamp, TokenRecord::Fields& fields) {
    return IsFresh(name, stamp, fields);
  };
  std::shared_ptr<const TokenRecord> record =
      codec_.Unpack(opened->content.Reveal(), opened->header.generation, now, check, &purged);
  if (purged) return nullptr;
  if (record == nullptr) {
    events_.Refused(RefusalCause::kMalformed);
    return nullptr;
  }
  return record->usable_until() > now.boot ? record : nullptr;
}

bool SealedStore::IsFresh(const RecordName& name, const PurgeStamp& stamp,
                          TokenRecord::Fields& fields) {
  const ScopeNames scopes[] = {purge_namer_.NamesOf({PurgeKind::kRegistration, name.registration}),
                               purge_namer_.NamesOf({PurgeKind::kTenant, name.partition}),
                               purge_namer_.NamesOf({PurgeKind::kCredential, stamp.credential})};
  const std::uint64_t stamped[] = {stamp.registration, stamp.tenant, stamp.credential_epoch};
  PurgeState news;
  for (std::size_t i = 0; i < std::size(scopes); ++i) {
    // Sealed, so a replica knew it: the word of a purge may still be on its way here, or lost.
    if (!scopes[i].empty() && stamped[i] > purges_.EpochOf(scopes[i])) {
      news.epochs.push_back({scopes[i].front(), stamped[i]});
    }
  }
  if (!news.epochs.empty()) purges_.RaiseTo(news);
  // Before the comparison: what rises after it is found by who looks at the record again.
  fields.fresh_at = purges_.changes();
  for (std::size_t i = 0; i < std::size(scopes); ++i) {
    if (stamped[i] < purges_.EpochOf(scopes[i])) return false;
    fields.purge_tags[i] = PurgeEpochs::TagOf(scopes[i]);
  }
  return fields.generation >= purges_.floor();
}

asio::awaitable<absl::Status> SealedStore::Put(RecordName name,
                                               std::shared_ptr<const TokenRecord> record) {
  const absl::StatusOr<FleetInstant> now = fleet_clock_.Now();
  if (!now.ok()) co_return now.status();
  if (record->usable_until() <= now->boot) co_return absl::OkStatus();
  if (record->generation() > kMaxGeneration) {
    co_return absl::InvalidArgumentError("the record's generation is out of range");
  }
  PurgeStamp stamp;
  stamp.registration =
      purges_.EpochOf(purge_namer_.NamesOf({PurgeKind::kRegistration, name.registration}));
  stamp.tenant = purges_.EpochOf(purge_namer_.NamesOf({PurgeKind::kTenant, name.partition}));
  stamp.credential_epoch =
      purges_.EpochOf(purge_namer_.NamesOf({PurgeKind::kCredential, name.credential}));
  stamp.credential = name.credential;
  // These are the epochs from before the token was asked for, if it was not purged since.
  if (!purges_.IsFresh(*record)) co_return absl::OkStatus();
  const std::optional<Secret> packed = codec_.Pack(*record, *now, stamp);
  if (!packed.has_value()) {
    co_return absl::InvalidArgumentError("the record is too large, or its times out of range");
  }
  // As if the store had refused it. The floor rises before the store has answered, and whatever it
  // answers: this replica has seen the record, and serves no older one.
  if (!floors_.Raise(name.key, {record->generation(), /*unstored=*/true})) {
    co_return absl::OkStatus();
  }
  if (agreement_.disagrees()) co_return KeysDisagree();
  if (!purges_.current()) co_return PurgesUnknown();

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
  if (outcome.ok() && *outcome != BlobStore::PutOutcome::kOlder) {
    floors_.Raise(name.key, header.generation);
  }
  if (outcome.ok() && *outcome == BlobStore::PutOutcome::kOverwroteAhead) {
    events_.Refused(RefusalCause::kAhead);
  }
  co_return outcome.status();
}

std::string SealedStore::CheckValue(const RingKey& sealing, const RingKey& index) {
  SealedHeader header;
  header.format = kCheckFormat;
  header.kind = SealedKind::kKeyCheck;
  header.key_id = index.id;
  std::string value = header.Write();
  for (int shift = 24; shift >= 0; shift -= 8) {
    value.push_back(static_cast<char>(sealing.id >> shift & 0xff));
  }
  value += names_.CheckProof(sealing, value);
  return value + names_.CheckProof(index, value);
}

SealedStore::CheckVerdict SealedStore::Judge(const KeyRings& rings, absl::string_view value) {
  if (value.size() != kCheckValueBytes) return CheckVerdict::kForeign;
  std::uint32_t sealing_id = 0;
  for (const char byte : value.substr(SealedHeader::kBytes, 4)) {
    sealing_id = sealing_id << 8 | static_cast<unsigned char>(byte);
  }
  const RingKey* const sealing = rings.sealing.Find(sealing_id);
  const RingKey* const index = rings.index.Find(SealedHeader::Read(value).key_id);
  if (sealing == nullptr || index == nullptr) return CheckVerdict::kForeign;
  const std::string expected = CheckValue(*sealing, *index);
  if (CRYPTO_memcmp(expected.data(), value.data(), value.size()) != 0) {
    return CheckVerdict::kForeign;
  }
  return sealing->state == KeyState::kRetired || index->state == KeyState::kRetired
             ? CheckVerdict::kRetired
             : CheckVerdict::kCurrent;
}

asio::awaitable<absl::Status> SealedStore::CheckKeys() {
  const std::shared_ptr<const KeyRings> rings = keys_.Current();
  const std::string mine = CheckValue(rings->sealing.primary(), rings->index.primary());
  // A retired key's value is replaced as soon as it is seen: the other replicas have the new key by
  // now, and may drop the retired one.
  for (bool again = true;; again = false) {
    const CheckVerdict before = Judge(*rings, agreed_);
    std::string expected = before == CheckVerdict::kForeign ? std::string() : agreed_;
    std::string value = before == CheckVerdict::kCurrent ? agreed_ : mine;
    const absl::Time expires_at = fleet_clock_.Estimate() + kCheckValueLife;
    auto stands = co_await blobs_.PutIfUnchanged(names_.CheckKey(), std::move(expected),
                                                 std::move(value), expires_at);
    if (!stands.ok()) co_return stands.status();
    const CheckVerdict verdict = Judge(*rings, *stands);
    agreement_.Set(verdict != CheckVerdict::kForeign);
    if (verdict == CheckVerdict::kForeign) co_return KeysDisagree();
    agreed_ = *std::move(stands);
    if (verdict == CheckVerdict::kCurrent || !again) co_return absl::OkStatus();
  }
}

}  // namespace tokensvc
