// SPDX-License-Identifier: Apache-2.0
#include "service/shared_cache.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <iterator>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/post.hpp"
#include "asio/steady_timer.hpp"
#include "asio/use_awaitable.hpp"
#include "cache/redis/redis_blob_store.h"
#include "cache/redis/redis_client.h"
#include "cache/redis/redis_generations.h"
#include "cache/redis/redis_health.h"
#include "cache/redis/redis_metrics.h"
#include "cache/redis/redis_purges.h"
#include "cache/redis/redis_rate_budget.h"
#include "cache/seal/opaque_names.h"
#include "cache/seal/sealed_store.h"
#include "service/config/address.h"
#include "service/config/secret_reference.h"
#include "service/config/validate.h"

namespace tokensvc {
namespace {

// How often changed key files are looked for, and keys compared with the fleet's where that is due.
constexpr auto kTick = std::chrono::seconds(1);
constexpr int kTicksBetweenKeyChecks = 30;
// A Redis that is there answers sooner; one that is not must not keep anybody waiting.
constexpr absl::Duration kMaxWaitAtStart = absl::Milliseconds(500);

// Whoever purges wants to know, and can ask again.
constexpr auto kMaxWaitForPurge = std::chrono::minutes(1);

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

RedisOptions OptionsFrom(const config::v1::RedisCache& config, WorkerPool& workers) {
  RedisOptions options;
  if (const auto address = ParseServerAddress(config.address()); address.has_value()) {
    options.host = address->host;
    options.port = address->port;
  }
  if (config.has_tls()) {
    options.tls.emplace();
    options.tls->workers = &workers;
    options.tls->ca_file = config.tls().ca_file();
    options.tls->certificate_file = config.tls().certificate_file();
    options.tls->private_key_file = config.tls().private_key_file();
    options.tls->server_name = config.tls().server_name();
  }
  options.username = config.username();
  options.database = static_cast<int>(config.database());
  options.connect_timeout = FromProto(config.connect_timeout());
  options.command_timeout = FromProto(config.command_timeout());
  options.operation_timeout = FromProto(config.operation_timeout());
  if (!config.password().empty()) {
    options.password =
        [&workers, reference = config.password()]() -> asio::awaitable<absl::StatusOr<Secret>> {
      auto read = [reference] { return ReadSecret(reference); };
      co_return co_await workers.Run(std::move(read));
    };
  }
  return options;
}

static_assert(std::rbegin(kSealedFormats)->number == kNewestRecordFormat,
              "the configuration allows what the cache can write");

SealedStore::Options SealedOptions(const config::v1::RedisCache& config) {
  SealedStore::Options options;
  options.key_prefix = config.key_prefix();
  options.keyspace = config.keyspace();
  options.formats.written = static_cast<std::uint8_t>(config.record_format());
  return options;
}

}  // namespace

struct SharedCache::Shared {
  Shared(const config::v1::RedisCache& start_config, Environment start_environment,
         std::unique_ptr<KeyFiles> start_keys)
      : config(start_config),
        environment(start_environment),
        keys(std::move(start_keys)),
        health(config.address(), environment.clock, environment.logger, &environment.registry,
               [this] { UpdateReadiness(); }),
        metrics(environment.registry),
        events(environment.registry, environment.logger, environment.clock),
        agreement(environment.logger),
        unshared_budgets(environment.registry.AddCounter(
            "tokensvc_authority_budget_unshared_total",
            "Requests to authorities that this replica counted for itself, because Redis did "
            "not.")),
        namer(*keys, config.keyspace()),
        purge_metrics(environment.registry, environment.purges) {
    environment.purges.SetCurrent(false);
    environment.registry.AddComputed(
        "tokensvc_shared_cache_degraded",
        "1 while tokens are not shared: a connection to Redis is missing, it is not known what was "
        "purged, or others use it with other keys.",
        [this] { return degraded() ? 1.0 : 0.0; });
  }

  bool degraded() const {
    return health.degraded() || agreement.disagrees() || !environment.purges.current();
  }

  const config::v1::RedisCache config;
  const Environment environment;
  const std::unique_ptr<KeyFiles> keys;
  RedisHealth health;
  RedisMetrics metrics;
  SealEvents events;
  KeyAgreement agreement;
  Counter& unshared_budgets;
  PurgeNamer namer;
  RedisPurgeMetrics purge_metrics;
  GenerationFloors floors;
  std::atomic<std::uint64_t> own_generation{0};
  Connection* home = nullptr;  ///< That of the loop that was opened first.

  void UpdateReadiness() {
    const bool clock_off = health.fleet_clock().TooFarOff();
    environment.readiness.SetInOrder(
        agreement.FitForService() && !clock_off,
        clock_off ? "the clock is more than 10 s from the shared cache's"
                  : "the keys of the shared cache are not those of the other replicas");
    environment.readiness.SetSharedCache(!degraded());
  }
};

class SharedCache::Connection final : public OfLoop {
 public:
  Connection(Shared& shared, asio::io_context& context)
      : shared_(shared),
        context_(context),
        tick_(context),
        client_(context, OptionsFrom(shared.config, shared.environment.workers),
                {shared.environment.clock, shared.environment.random, shared.health, shared.metrics,
                 [this] { OnConnected(); }}),
        blobs_(client_, /*key_prefix=*/""),  // the names that `sealed_` makes have it
        sealed_(
            SealedOptions(shared.config),
            {blobs_, *shared.keys, shared.health.fleet_clock(), shared.floors, shared.events,
             shared.agreement, shared.environment.random, shared.environment.purges, shared.namer}),
        generations_(
            blobs_, [this](const std::string& key) { return sealed_.StoreKey(key); },
            shared.health.fleet_clock(), shared.floors, shared.own_generation),
        budget_names_(shared.config.key_prefix(), shared.config.keyspace()),
        budget_(
            client_,
            [this](const std::string& partition, const std::string& name) {
              const std::shared_ptr<const KeyRings> rings = shared_.keys->Current();
              return budget_names_.BudgetKey(rings->index.primary(), partition, name);
            },
            shared.environment.budget, shared.unshared_budgets) {
    // Known before the listeners answer for it.
    shared.environment.readiness.SetSharedCache(!shared.degraded());
    if (shared.home == nullptr) {
      shared.home = this;
      purges_ = std::make_unique<RedisPurges>(
          context, OptionsFrom(shared.config, shared.environment.workers),
          shared.config.key_prefix() + "epochs",
          RedisPurges::Dependencies{client_, shared.environment.purges, shared.health,
                                    shared.purge_metrics, shared.environment.clock,
                                    shared.environment.random, shared.environment.logger,
                                    [&shared] { shared.UpdateReadiness(); }});
    }
    asio::co_spawn(context, Watch(), asio::detached);
  }

  asio::io_context& context() { return context_; }
  /// Of the loop that was opened first.
  RedisPurges& purges() { return *purges_; }

  SharedStore& store() override { return sealed_; }
  LeaseManager& leases() override { return generations_; }
  RateBudget& budget() override { return budget_; }

 private:
  void OnConnected() {
    if (purges_ != nullptr) purges_->ConnectNow();
    check_now_ = true;
    tick_.cancel();
  }

  /// Follows the key files, and compares keys with the fleet: over each new connection, since Redis
  /// may have been replaced or lost its data; soon after each change, so that the check value has
  /// moved on before a retired key is dropped; and now and then, since Redis may be flushed.
  asio::awaitable<void> Watch() {
    int until_check = 0;
    std::shared_ptr<const KeyRings> checked = shared_.keys->Current();
    for (;;) {
      if (shared_.keys->CheckIsDue()) {
        auto look = [keys = shared_.keys.get()]() -> absl::Status {
          keys->Check();
          return absl::OkStatus();
        };
        static_cast<void>(co_await shared_.environment.workers.Run(std::move(look)));
      }
      if (std::shared_ptr<const KeyRings> now = shared_.keys->Current(); now != checked) {
        // Records of this process know what they are purged by under that key alone.
        if (now->index.Find(checked->index.primary().id) == nullptr) {
          shared_.environment.purges.ForgetRecords();
        }
        checked = std::move(now);
        until_check = 0;
      }
      if (std::exchange(check_now_, false)) until_check = 0;
      if (--until_check <= 0) {
        const absl::Status agree = co_await sealed_.CheckKeys();
        if (agree.ok()) until_check = kTicksBetweenKeyChecks;
      }
      shared_.UpdateReadiness();
      if (check_now_) continue;
      tick_.expires_after(kTick);
      co_await tick_.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    }
  }

  Shared& shared_;
  asio::io_context& context_;
  asio::steady_timer tick_;
  bool check_now_ = false;  // there is a new connection
  RedisClient client_;
  RedisBlobStore blobs_;
  SealedStore sealed_;
  RedisGenerations generations_;
  OpaqueNames budget_names_;
  RedisRateBudget budget_;
  std::unique_ptr<RedisPurges> purges_;
};

SharedCache::SharedCache(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}

SharedCache::~SharedCache() = default;

absl::StatusOr<std::unique_ptr<SharedCache>> SharedCache::Make(const config::v1::RedisCache& config,
                                                               Environment environment) {
  KeyFiles::Options options;
  options.sealing_path = config.sealing_keys_file();
  options.index_path = config.index_keys_file();
  options.clock = &environment.clock;
  options.logger = &environment.logger;
  options.metrics = &environment.registry;
  absl::StatusOr<std::unique_ptr<KeyFiles>> keys = KeyFiles::Load(std::move(options));
  if (!keys.ok()) return keys.status();
  return std::unique_ptr<SharedCache>(
      new SharedCache(std::make_unique<Shared>(config, environment, *std::move(keys))));
}

std::shared_ptr<const KeyRings> SharedCache::key_rings() const { return shared_->keys->Current(); }

bool SharedCache::degraded() const { return shared_->degraded(); }

void SharedCache::AwaitClockCheck() {
  const absl::Time until = absl::Now() + kMaxWaitAtStart;
  shared_->health.AwaitFirstAttempt(kMaxWaitAtStart);
  while (shared_->health.connected_clients() > 0 && !shared_->environment.purges.current() &&
         absl::Now() < until) {
    absl::SleepFor(absl::Milliseconds(1));
  }
}

PurgeNamer& SharedCache::purge_namer() { return shared_->namer; }

void SharedCache::Raise(ScopeNames names, std::uint64_t at_least, BootTime deadline, Done done) {
  // BootTime::max() plus anything is no time.
  const auto wait =
      std::min<BootClock::duration>(deadline - shared_->environment.clock.Boot(), kMaxWaitForPurge);
  const auto until = std::chrono::steady_clock::now() + wait;
  Connection& home = *shared_->home;
  asio::post(home.context(),
             [&home, names = std::move(names), at_least, until, done = std::move(done)]() mutable {
               home.purges().Raise(std::move(names), at_least, until, std::move(done));
             });
}

std::unique_ptr<SharedCache::OfLoop> SharedCache::Open(EventLoop& loop) {
  std::unique_ptr<OfLoop> opened;
  std::promise<void> done;
  asio::post(loop.context(), [&] {
    opened = std::make_unique<Connection>(*shared_, loop.context());
    done.set_value();
  });
  done.get_future().wait();
  return opened;
}

}  // namespace tokensvc
