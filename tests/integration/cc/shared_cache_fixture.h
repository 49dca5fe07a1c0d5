// SPDX-License-Identifier: Apache-2.0
// Replicas in the test's process that share a real redis-server.
#ifndef TOKENSVC_TESTS_INTEGRATION_CC_SHARED_CACHE_FIXTURE_H_
#define TOKENSVC_TESTS_INTEGRATION_CC_SHARED_CACHE_FIXTURE_H_

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
struct Replica {
  CapturingLogger logger;
  SystemClock clock;
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::TokenService::Stub> stub;

  grpc::Status Acquire(const v1::AcquireForClientRequest& request,
                       v1::AcquireForClientResponse* response) const;
  v1::AcquireForClientResponse MustAcquire(const v1::AcquireForClientRequest& request) const;
  grpc::health::v1::HealthCheckResponse::ServingStatus Ready() const;
  /// The value of a line of /metrics; 0 where there is none. `name` has its labels:
  /// `tokensvc_x_total{cause="y"}`.
  double Metric(const std::string& name) const;
  /// How many log lines of `event` have a field of that value.
  std::size_t Logged(const std::string& event, const std::string& field,
                     const std::string& value) const;
};

/// An authority with the client that replicas use, a Redis, and keys.
class SharedCacheFixture : public ServiceFixture {
 protected:
  /// Names of files in the test's folder.
  struct KeyFileNames {
    std::string sealing = "sealing";
    std::string index = "index";
  };

  SharedCacheFixture();

  /// Makes a key file with one primary key.
  void WriteKeys(const std::string& name, KeyPurpose purpose) const;
  /// For tests that no slow machine may turn into misses of the shared cache.
  static constexpr char kPatient[] = "    command_timeout: 10s\n    operation_timeout: 15s\n";

  /// Starts a replica, and waits until it is connected to Redis. `more` are lines of cache.redis.
  std::unique_ptr<Replica> StartReplica(const KeyFileNames& keys = {"sealing", "index"},
                                        const std::string& more = "");

  /// Waits for what other threads bring about; gives up after far longer than it takes.
  static bool Eventually(const std::function<bool()>& holds);

  RedisServer redis_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_INTEGRATION_CC_SHARED_CACHE_FIXTURE_H_
