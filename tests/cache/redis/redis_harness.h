// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_REDIS_REDIS_HARNESS_H_
#define TOKENSVC_TESTS_CACHE_REDIS_REDIS_HARNESS_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "base/event_loop.h"
#include "base/metrics.h"
#include "base/worker_pool.h"
#include "cache/redis/redis_blob_store.h"
#include "cache/redis/redis_client.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/run_on_loop.h"

namespace tokensvc::testing {

/// Bounds that no test meets by being slow; those that want a timeout set a short one.
inline RedisOptions PatientOptions(std::uint16_t port) {
  RedisOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  options.connect_timeout = absl::Seconds(20);
  options.command_timeout = absl::Seconds(20);
  options.operation_timeout = absl::Seconds(20);
  options.min_backoff = absl::Milliseconds(5);
  options.max_backoff = absl::Milliseconds(50);
  options.clock_interval = absl::Hours(1);
  return options;
}

/// A client and a store over it on a loop of its own, used from the test's thread.
class RedisHarness {
 public:
  explicit RedisHarness(RedisOptions options,
                        std::string key_prefix = "tokensvc:", const Clock* clock = nullptr)
      : health("127.0.0.1", clock == nullptr ? system_clock : *clock, logger, &registry) {
    const RedisEnvironment environment{clock == nullptr ? system_clock : *clock, random, health,
                                       metrics};
    if (options.tls.has_value()) options.tls->workers = &workers;
    CallOnLoop(loop.context(), [&] {
      client = std::make_unique<RedisClient>(loop.context(), std::move(options), environment);
      store = std::make_unique<RedisBlobStore>(*client, std::move(key_prefix));
    });
  }
  ~RedisHarness() {
    loop.Stop();
    workers.Join();
    store.reset();
    client.reset();
  }

  /// Waits until `condition` holds; false when it does not within 20 seconds.
  template <class Condition>
  static bool Eventually(Condition condition) {
    for (int i = 0; i < 4000; ++i) {
      if (condition()) return true;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return false;
  }
  bool WaitUntilConnected() {
    return Eventually([this] { return !health.degraded(); });
  }
  bool WaitUntilDegraded() {
    return Eventually([this] { return health.degraded(); });
  }

  template <class T>
  T Run(asio::awaitable<T> work) {
    return RunOnLoop(loop.context(), std::move(work));
  }
  RedisClient::Replies Execute(std::vector<RedisCommand> commands) {
    return Run(client->Execute(std::move(commands), client->OperationDeadline()));
  }
  absl::StatusOr<RespValue> ExecuteOne(RedisCommand command) {
    std::vector<RedisCommand> commands;
    commands.push_back(std::move(command));
    RedisClient::Replies replies = Execute(std::move(commands));
    return std::move(replies[0]);
  }
  absl::StatusOr<std::optional<std::string>> Get(std::string key) {
    std::vector<std::string> keys;
    keys.push_back(std::move(key));
    auto found = Run(store->GetMany(std::move(keys)));
    return std::move(found[0]);
  }
  bool GetSucceeds() { return Get("v:any").ok(); }

  const SystemClock system_clock;
  FakeRandom random;
  CapturingLogger logger;
  MetricRegistry registry;
  RedisMetrics metrics{registry};
  RedisHealth health;
  EventLoop loop;
  WorkerPool workers{1, 16};
  std::unique_ptr<RedisClient> client;
  std::unique_ptr<RedisBlobStore> store;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_REDIS_REDIS_HARNESS_H_
