// SPDX-License-Identifier: Apache-2.0
// Replicas of the service in the test's process that share a real redis-server.
#ifndef TOKENSVC_TESTS_INTEGRATION_CC_SHARED_CACHE_FIXTURE_H_
#define TOKENSVC_TESTS_INTEGRATION_CC_SHARED_CACHE_FIXTURE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/key_ring.h"
#include "grpc/health/v1/health.pb.h"
#include "tests/cache/redis/redis_server.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {

/// One process's worth of service, on the real clock: what replicas share has the times of the
/// server that keeps it.
struct ServiceReplica {
  CapturingLogger logger;
  SystemClock clock;
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::TokenService::Stub> stub;

  grpc::Status Acquire(const v1::AcquireForClientRequest& request,
                       v1::AcquireForClientResponse* response) const;
  v1::AcquireForClientResponse MustAcquire(const v1::AcquireForClientRequest& request) const;
  grpc::health::v1::HealthCheckResponse::ServingStatus Health(const std::string& service) const;
  grpc::health::v1::HealthCheckResponse::ServingStatus Ready() const { return Health("ready"); }
  /// The value of a line of /metrics; 0 where there is none. `name` has its labels:
  /// `tokensvc_x_total{cause="y"}`.
  double Metric(const std::string& name) const;
  /// How many log lines of `event` have a field of that value.
  std::size_t Logged(const std::string& event, const std::string& field,
                     const std::string& value) const;
};

/// An authority with the client that replicas use, keys, and a Redis.

class SharedCacheFixture : public ServiceFixture {
 protected:
  /// Names of files in the test's folder.
  struct KeyFileNames {
    std::string sealing = "sealing";
    std::string index = "index";
  };

  /// Starts the authority and makes the keys; Redis is the test's to start.
  SharedCacheFixture();

  void StartRedis(RedisServer::Options options = {});
  /// Makes a key file with one primary key.
  void WriteKeys(const std::string& name, KeyPurpose purpose) const;

  /// The `cache` block of a configuration. `more`: lines of `redis`, each after four spaces.
  std::string CacheBlock(std::uint16_t port, const KeyFileNames& keys = {"sealing", "index"},
                         const std::string& more = "    plaintext: {}\n") const;

  /// Lines of `redis`, for tests that no slow machine may turn into misses of the shared cache.
  static constexpr char kPatient[] = "    command_timeout: 10s\n    operation_timeout: 15s\n";

  /// Starts a replica and waits until it has a connection to Redis. `more`: as of `CacheBlock`.
  static std::unique_ptr<ServiceReplica> StartReplicaWith(const std::string& configuration);
  std::unique_ptr<ServiceReplica> StartReplica(const KeyFileNames& keys = {"sealing", "index"},
                                               const std::string& more = "") const {
    return StartReplicaWith(
        Configuration(CacheBlock(redis_->port(), keys, "    plaintext: {}\n" + more)));
  }

  /// Waits for what other threads bring about; gives up after far longer than it takes.
  static bool Eventually(const std::function<bool()>& holds);

  std::unique_ptr<RedisServer> redis_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_INTEGRATION_CC_SHARED_CACHE_FIXTURE_H_
