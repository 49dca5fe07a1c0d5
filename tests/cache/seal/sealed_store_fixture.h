// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_SEAL_SEALED_STORE_FIXTURE_H_
#define TOKENSVC_TESTS_CACHE_SEAL_SEALED_STORE_FIXTURE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asio/co_spawn.hpp"
#include "asio/io_context.hpp"
#include "asio/use_future.hpp"
#include "cache/memory_blob_store.h"
#include "cache/seal/sealed_store.h"
#include "gtest/gtest.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace tokensvc::testing {

template <class T>
T Await(asio::awaitable<T> awaitable) {
  asio::io_context context;
  auto result = asio::co_spawn(context, std::move(awaitable), asio::use_future);
  context.run();
  return result.get();
}

/// Counts the round trips of reading.
class CountingBlobStore final : public BlobStore {
 public:
  explicit CountingBlobStore(std::shared_ptr<MemoryBlobs> blobs) : store_(std::move(blobs)) {}

  asio::awaitable<std::vector<absl::StatusOr<std::optional<std::string>>>> GetMany(
      std::vector<std::string> keys) override {
    reads_.push_back(keys.size());
    if (!failure_.ok()) {
      co_return std::vector<absl::StatusOr<std::optional<std::string>>>(keys.size(), failure_);
    }
    auto found = co_await store_.GetMany(std::move(keys));
    if (during_read_) during_read_();
    co_return found;
  }
  asio::awaitable<absl::StatusOr<PutOutcome>> Put(std::string key, std::string blob,
                                                  std::uint64_t generation,
                                                  absl::Time expires_at) override {
    if (!failure_.ok()) co_return failure_;
    last_expiry_ = expires_at;
    co_return co_await store_.Put(std::move(key), std::move(blob), generation, expires_at);
  }
  asio::awaitable<absl::StatusOr<std::uint64_t>> NextGeneration(std::string key) override {
    return store_.NextGeneration(std::move(key));
  }
  asio::awaitable<absl::StatusOr<std::string>> PutIfUnchanged(std::string key, std::string expected,
                                                              std::string value,
                                                              absl::Time expires_at) override {
    if (!failure_.ok()) co_return failure_;
    co_return co_await store_.PutIfUnchanged(std::move(key), std::move(expected), std::move(value),
                                             expires_at);
  }

  /// How many keys each round trip asked for, since the last call.
  std::vector<std::size_t> TakeReads() { return std::exchange(reads_, {}); }
  void FailWith(absl::Status failure) { failure_ = std::move(failure); }
  /// Runs while an answer is on its way.
  void DuringRead(std::function<void()> action) { during_read_ = std::move(action); }
  absl::Time last_expiry() const { return last_expiry_; }

 private:
  MemoryBlobStore store_;
  std::vector<std::size_t> reads_;
  absl::Status failure_;
  std::function<void()> during_read_;
  absl::Time last_expiry_;
};

/// Keys that a test changes.
class ChangingKeyRings final : public KeyRingSource {
 public:
  std::shared_ptr<const KeyRings> Current() const override { return rings_; }
  void Set(const std::string& sealing, const std::string& index) {
    rings_ = std::make_shared<const KeyRings>(
        KeyRings{KeyRing::Parse(sealing).value(), KeyRing::Parse(index).value()});
  }

 private:
  std::shared_ptr<const KeyRings> rings_;
};

/// The line of a key file for the key that `seed` names.
inline std::string KeyLine(KeyPurpose purpose, KeyState state, std::uint64_t seed) {
  FakeRandom random(seed);
  const KeyRing ring = KeyRing::MakeRandom(purpose, random);
  return std::string(KeyFileLine(purpose, state, ring.primary().bytes).Reveal());
}
inline std::string SealingLine(KeyState state, std::uint64_t seed) {
  return KeyLine(KeyPurpose::kSealing, state, seed);
}
inline std::string IndexLine(KeyState state, std::uint64_t seed) {
  return KeyLine(KeyPurpose::kIndex, state, seed);
}

/// A SealedStore over a store of the test's choice, with its own keys, memory and metrics.
struct SealedParts {
  SealedParts(BlobStore& below, const Clock& clock, std::uint64_t seed,
              std::string keyspace = "fleet", SealedFormats formats = {})
      : fleet_clock(clock),
        random(seed),
        events(metrics, logger, clock),
        agreement(logger),
        namer(keys, keyspace) {
    fleet_clock.Set({clock.Now(), clock.Boot()});
    keys.Set(SealingLine(KeyState::kPrimary, 1), IndexLine(KeyState::kPrimary, 2));
    store = std::make_unique<SealedStore>(
        SealedStore::Options{"tokensvc:", std::move(keyspace), formats},
        SealedStore::Dependencies{below, keys, fleet_clock, floors, events, agreement, random,
                                  purges, namer});
  }

  ChangingKeyRings keys;
  FleetClock fleet_clock;
  GenerationFloors floors;
  MetricRegistry metrics;
  CapturingLogger logger;
  FakeRandom random;
  SealEvents events;
  KeyAgreement agreement;
  PurgeEpochs purges;
  PurgeNamer namer;
  std::unique_ptr<SealedStore> store;
};

/// There before the parts that use it.
struct CountedBlobs {
  explicit CountedBlobs(const std::shared_ptr<MemoryBlobs>& shared) : blobs(shared) {}
  CountingBlobStore blobs;
};

/// One replica, over a store of memory that several share.
class Replica : public CountedBlobs, public SealedParts {
 public:
  Replica(const std::shared_ptr<MemoryBlobs>& shared, const Clock& clock, std::uint64_t seed,
          std::string keyspace = "fleet", SealedFormats formats = {})
      : CountedBlobs(shared), SealedParts(blobs, clock, seed, std::move(keyspace), formats) {}

  absl::Status Put(const RecordName& name, std::shared_ptr<const TokenRecord> record) {
    return Await(store->Put(name, std::move(record)));
  }
  /// The token; empty: a miss, or an error.
  std::string Get(const RecordName& name) {
    const auto found = Await(store->GetMany({name}));
    if (!found[0].ok() || *found[0] == nullptr) return "";
    return std::string((*found[0])->RevealToken());
  }
  std::int64_t Refused(const std::string& cause) const {
    std::int64_t count = 0;
    metrics.ForEach([&](const MetricRegistry::Entry& entry) {
      if (entry.name == "tokensvc_sealed_record_failures_total" &&
          (cause.empty() || entry.labels[0].second == cause)) {
        count += entry.counter->Value();
      }
    });
    return count;
  }
  std::int64_t Refused() const { return Refused(""); }
};

/// Two replicas over one store.
class SealedStoreTest : public ::testing::Test {
 protected:
  std::shared_ptr<const TokenRecord> Record(absl::string_view token,
                                            std::uint64_t generation = 10) const {
    TokenRecord::Fields fields;
    fields.token = token;
    fields.granted_scopes = "granted/.default";
    fields.expires_at = clock_.Now() + absl::Hours(1);
    fields.refresh_at = clock_.Now() + absl::Minutes(45);
    fields.usable_until = clock_.Boot() + std::chrono::minutes(59);
    fields.due = clock_.Boot() + std::chrono::minutes(45);
    fields.generation = generation;
    return TokenRecord::Make(fields);
  }

  const RecordName name_{"canonical key", "contoso"};
  FakeClock clock_;
  std::shared_ptr<MemoryBlobs> shared_ = std::make_shared<MemoryBlobs>(clock_);
  Replica a_{shared_, clock_, 101};
  Replica b_{shared_, clock_, 102};
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_SEAL_SEALED_STORE_FIXTURE_H_
