// SPDX-License-Identifier: Apache-2.0
// One contract for every way of keeping records: in this process, sealed in a store of memory,
// sealed in a real Redis, local over shared, and sealed over a store that fails and lies.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "cache/local_cache.h"
#include "cache/memory_blob_store.h"
#include "tests/cache/redis/fake_redis.h"
#include "tests/cache/redis/redis_harness.h"
#include "tests/cache/redis/redis_server.h"
#include "tests/cache/seal/sealed_store_fixture.h"
#include "tests/cache/shared_store_contract.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace tokensvc::testing {
namespace {

using Found = std::vector<absl::StatusOr<RecordPtr>>;

/// The local cache, seen as a store.
class LocalTier final : public SharedStore {
 public:
  explicit LocalTier(const Clock& clock) : clock_(clock), cache_(LocalCache::Options()) {}

  asio::awaitable<Found> GetMany(std::vector<RecordName> names) override {
    Found found;
    for (const RecordName& name : names) {
      found.push_back(cache_.Lookup(name.key, clock_.Boot()).record);
    }
    co_return found;
  }
  asio::awaitable<absl::Status> Put(RecordName name, RecordPtr record) override {
    cache_.Store(name.key, name.partition, std::move(record));
    co_return absl::OkStatus();
  }

 private:
  const Clock& clock_;
  LocalCache cache_;
};

/// The local cache over a shared store, as a replica has them.
class BothTiers final : public SharedStore {
 public:
  BothTiers(const Clock& clock, SharedStore& shared) : local_(clock), shared_(shared) {}

  asio::awaitable<Found> GetMany(std::vector<RecordName> names) override {
    Found found = co_await local_.GetMany(names);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (*found[i] != nullptr) continue;
      std::vector<RecordName> missing(1, names[i]);
      Found shared = co_await shared_.GetMany(std::move(missing));
      found[i] = std::move(shared[0]);
      if (!found[i].ok() || *found[i] == nullptr) continue;
      RecordPtr record = *found[i];
      (void)co_await local_.Put(names[i], std::move(record));
    }
    co_return found;
  }
  asio::awaitable<absl::Status> Put(RecordName name, RecordPtr record) override {
    (void)co_await local_.Put(name, record);
    co_return co_await shared_.Put(std::move(name), std::move(record));
  }

 private:
  LocalTier local_;
  SharedStore& shared_;
};

/// Fails before or after it has done what it was asked, and returns blobs with a bit turned or an
/// end missing: each every few calls.
class FaultyBlobStore final : public BlobStore {
 public:
  FaultyBlobStore(std::shared_ptr<MemoryBlobs> blobs, std::uint64_t seed)
      : store_(std::move(blobs)), random_(seed) {}

  asio::awaitable<std::vector<absl::StatusOr<std::optional<std::string>>>> GetMany(
      std::vector<std::string> keys) override {
    if (Every(4)) {
      co_return std::vector<absl::StatusOr<std::optional<std::string>>>(
          keys.size(), absl::UnavailableError("no connection"));
    }
    auto found = co_await store_.GetMany(std::move(keys));
    for (auto& each : found) {
      if (each.ok() && each->has_value()) Damage(**each);
    }
    co_return found;
  }
  asio::awaitable<absl::StatusOr<PutOutcome>> Put(std::string key, std::string blob,
                                                  std::uint64_t generation,
                                                  absl::Time expires_at) override {
    if (Every(4)) co_return absl::UnavailableError("no connection");
    auto done = co_await store_.Put(std::move(key), std::move(blob), generation, expires_at);
    if (Every(4)) co_return absl::DeadlineExceededError("done, but nobody knows");
    co_return done;
  }
  asio::awaitable<absl::StatusOr<std::uint64_t>> NextGeneration(std::string key) override {
    return store_.NextGeneration(std::move(key));
  }
  asio::awaitable<absl::StatusOr<std::string>> PutIfUnchanged(std::string key, std::string expected,
                                                              std::string value,
                                                              absl::Time expires_at) override {
    return store_.PutIfUnchanged(std::move(key), std::move(expected), std::move(value), expires_at);
  }

 private:
  std::uint64_t Below(std::uint64_t bound) {
    std::uint64_t value = 0;
    random_.Fill(reinterpret_cast<unsigned char*>(&value), sizeof(value));
    return value % bound;
  }
  bool Every(std::uint64_t times) { return Below(times) == 0; }
  void Damage(std::string& blob) {
    if (Every(4)) blob[Below(blob.size())] ^= static_cast<char>(1 << Below(8));
    if (Every(4)) blob.resize(Below(blob.size()));
  }

  MemoryBlobStore store_;
  FakeRandom random_;
};

/// Time stands still until somebody waits, and nothing needs a loop.
class OfflineHost : public SharedStoreHost {
 public:
  const Clock& clock() override { return clock_; }
  void Wait(absl::Duration time) override { clock_.Advance(time); }
  Found GetMany(SharedStore& store, std::vector<RecordName> names) override {
    return Await(store.GetMany(std::move(names)));
  }
  absl::Status Put(SharedStore& store, RecordName name, RecordPtr record) override {
    return Await(store.Put(std::move(name), std::move(record)));
  }

 protected:
  FakeClock clock_;
};

class LocalHost final : public OfflineHost {
 public:
  SharedStore& store() override { return local_; }
  SharedStore& other_replica() override { return local_; }

 private:
  LocalTier local_{clock_};
};

class SealedHost : public OfflineHost {
 public:
  SharedStore& store() override { return *a_.store; }
  SharedStore& other_replica() override { return *b_.store; }

 protected:
  const std::shared_ptr<MemoryBlobs> blobs_ = std::make_shared<MemoryBlobs>(clock_);
  Replica a_{blobs_, clock_, 101};
  Replica b_{blobs_, clock_, 102};
};

class BothTiersHost final : public SealedHost {
 public:
  SharedStore& store() override { return tiers_a_; }
  SharedStore& other_replica() override { return tiers_b_; }

 private:
  BothTiers tiers_a_{clock_, *a_.store};
  BothTiers tiers_b_{clock_, *b_.store};
};

class FaultyHost final : public OfflineHost {
 public:
  SharedStore& store() override { return *a_.store; }
  SharedStore& other_replica() override { return *b_.store; }
  int tries() const override { return 100; }

 private:
  const std::shared_ptr<MemoryBlobs> blobs_ = std::make_shared<MemoryBlobs>(clock_);
  FaultyBlobStore faulty_a_{blobs_, 201};
  FaultyBlobStore faulty_b_{blobs_, 202};
  SealedParts a_{faulty_a_, clock_, 101};
  SealedParts b_{faulty_b_, clock_, 102};
};

/// Two replicas with a connection each to a redis-server of their own.
class RedisHost final : public SharedStoreHost {
 public:
  RedisHost() {
    EXPECT_TRUE(a_.WaitUntilConnected()) << a_.health.last_error();
    EXPECT_TRUE(b_.WaitUntilConnected()) << b_.health.last_error();
  }
  SharedStore& store() override { return *sealed_a_.store; }
  SharedStore& other_replica() override { return *sealed_b_.store; }
  const Clock& clock() override { return clock_; }
  void Wait(absl::Duration time) override { absl::SleepFor(time); }
  Found GetMany(SharedStore& store, std::vector<RecordName> names) override {
    return LoopOf(store).Run(store.GetMany(std::move(names)));
  }
  absl::Status Put(SharedStore& store, RecordName name, RecordPtr record) override {
    return LoopOf(store).Run(store.Put(std::move(name), std::move(record)));
  }

 private:
  RedisHarness& LoopOf(const SharedStore& store) {
    return &store == sealed_a_.store.get() ? a_ : b_;
  }

  const SystemClock clock_;
  RedisServer server_{RedisServer::Options()};
  // The names come with their prefix.
  RedisHarness a_{PatientOptions(server_.port()), ""};
  RedisHarness b_{PatientOptions(server_.port()), ""};
  SealedParts sealed_a_{*a_.store, clock_, 101};
  SealedParts sealed_b_{*b_.store, clock_, 102};
};

TEST(SharedStoreTimeTest, ARedisThatLiesAboutTheTimeGetsNoExpiredTokenServed) {
  const RecordName name{"canonical key", "contoso"};
  FakeClock clock;
  const auto blobs = std::make_shared<MemoryBlobs>(clock);
  Replica writer(blobs, clock, 101);
  TokenRecord::Fields fields;
  fields.token = "token";
  fields.refresh_at = clock.Now() + absl::Minutes(45);
  fields.expires_at = clock.Now() + absl::Hours(1);
  fields.due = clock.Boot() + std::chrono::minutes(45);
  fields.usable_until = clock.Boot() + std::chrono::minutes(59);
  fields.generation = 10;
  ASSERT_TRUE(writer.Put(name, TokenRecord::Make(fields)).ok());
  const std::string blob = *blobs->Get(writer.store->StoreKey(name.key));

  // The greeting's TIME stands at the fake clock's start, for ever.
  FakeRedis liar(FakeRedis::Healthy([&](const FakeRedis::Command&) {
    return FakeRedis::Answer{absl::StrCat("$", blob.size(), "\r\n", blob, "\r\n")};
  }));
  const auto find = [&] {
    RedisHarness redis(PatientOptions(liar.port()), "", &clock);
    EXPECT_TRUE(redis.WaitUntilConnected());
    Replica keys(blobs, clock, 102);
    SealedStore store({"tokensvc:", "fleet"},
                      {*redis.store, keys.keys, redis.health.fleet_clock(), keys.floors,
                       keys.events, keys.agreement, keys.random, keys.purges, keys.namer});
    auto found = redis.Run(store.GetMany({name}));
    return std::move(found[0]);
  };
  const auto fresh = find();
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  ASSERT_NE(*fresh, nullptr);
  EXPECT_EQ((*fresh)->RevealToken(), "token");
  clock.Advance(absl::Hours(2));
  EXPECT_EQ(find().status().code(), absl::StatusCode::kUnavailable);
}

template <class Host>
SharedStoreKind Kind(const char* name) {
  return {name, [] { return std::make_unique<Host>(); }};
}

INSTANTIATE_TEST_SUITE_P(Stores, SharedStoreContractTest,
                         ::testing::Values(Kind<LocalHost>("local"),
                                           Kind<SealedHost>("sealed_memory"),
                                           Kind<RedisHost>("sealed_redis"),
                                           Kind<BothTiersHost>("both_tiers"),
                                           Kind<FaultyHost>("sealed_faulty")),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace tokensvc::testing
