// SPDX-License-Identifier: Apache-2.0
// Two replicas, as processes of their own, under load while their Redis goes wrong: no call fails,
// memory stays bounded, the log says it once, and Redis is used again when it is back.
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/cache/redis/fake_redis.h"
#include "tests/integration/cc/background_load.h"
#include "tests/integration/cc/child_replica.h"
#include "tests/integration/cc/shared_cache_fixture.h"
#include "tests/testing/tcp_proxy.h"

namespace tokensvc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Key;

constexpr char kFailures[] = "tokensvc_shared_cache_failures_total";
constexpr char kRefusedCommands[] = "tokensvc_redis_commands_total{result=\"refused\"}";

// A sanitizer's own memory would drown the program's.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kMeasuresMemory = false;
#else
constexpr bool kMeasuresMemory = true;
#endif
/// What a fault may cost in memory: some hundred tokens, connections and retries.
constexpr long kMostResidentKiB = 64 << 10;
/// And in address space: far from the 1 GiB that a bulk header announces.
constexpr long kMostVirtualKiB = 512 << 10;

/// For what is not about time: no machine is so busy that these come.
constexpr char kPatience[] =
    "    connect_timeout: 30s\n    command_timeout: 10s\n    operation_timeout: 20s\n";

constexpr char kDefaults[] = "";

/// What is wrong with Redis, and what follows from it.
struct Fault {
  std::function<void()> begin, end;
  /// Whether look-ups or stores fail meanwhile, which is counted; none: it depends.
  std::optional<bool> fails = true;
  /// Connections end.
  bool disconnects = true;
  /// How long it lasts at least: long enough to be met by attempts to connect, time-outs, and waits
  /// that have grown.
  absl::Duration lasts = absl::ZeroDuration();
};

class RedisUnderLoadTest : public SharedCacheFixture {
 protected:
  RedisUnderLoadTest() {
    // Threads that gRPC starts later would each reserve address space of an allocator's arena.
    setenv("MALLOC_ARENA_MAX", "2", 1);
    StartRedis();
    proxy_ = std::make_unique<TcpProxy>(redis_->port());
  }

  /// Starts both replicas, which talk to Redis at `port`, and caches what the load takes as cached.
  void StartReplicas(std::uint16_t port, const std::string& timeouts = kPatience) {
    const std::string configuration =
        Configuration(absl::StrCat(CacheBlock(port), timeouts,
                                   // The load fetches as fast as it can.
                                   "limits: {authority_budget: {requests_per_minute: 10000000}}\n"
                                   "server: {drain_timeout: 0s}\n"));
    for (const char* name : {"a", "b"}) {
      replicas_.push_back(std::make_unique<ChildReplica>(dir_, name, configuration));
    }
    for (const auto& replica : replicas_) {
      ASSERT_TRUE(Eventually([&] { return replica->LogCount("redis_connected") > 0; }));
      for (int i = 0; i < BackgroundLoad::kCachedTokens; ++i) {
        v1::TokenSource source = v1::TOKEN_SOURCE_UNSPECIFIED;
        Acquire(*replica, BackgroundLoad::CachedRequest(i), &source);
      }
    }
  }

  std::string Acquire(ChildReplica& replica, const v1::AcquireForClientRequest& request,
                      v1::TokenSource* source) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::AcquireForClientResponse response;
    const grpc::Status status = replica.stub().AcquireForClient(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    if (response.source() == v1::TOKEN_SOURCE_AUTHORITY) ++fetched_;
    *source = response.source();
    return response.access_token().value();
  }

  /// Whether a token that the first replica fetches now is one that the second finds.
  bool Shares(BackgroundLoad& load) {
    const v1::AcquireForClientRequest request = load.NewRequest();
    v1::TokenSource first = v1::TOKEN_SOURCE_UNSPECIFIED, second = first;
    const std::string fetched = Acquire(*replicas_[0], request, &first);
    const std::string found = Acquire(*replicas_[1], request, &second);
    return second == v1::TOKEN_SOURCE_SHARED_CACHE && fetched == found;
  }

  double SumOf(const std::string& metric) const {
    double sum = 0;
    for (const auto& replica : replicas_) sum += replica->Metric(metric);
    return sum;
  }

  void Survive(const Fault& fault) {
    BackgroundLoad load({&replicas_[0]->stub(), &replicas_[1]->stub()});
    load.WaitForCalls(100);
    ASSERT_TRUE(Eventually([&] { return Shares(load); }));
    std::vector<Memory> before;
    std::vector<double> failures;
    for (const auto& replica : replicas_) {
      before.push_back({replica->MemoryKiB("VmRSS"), replica->MemoryKiB("VmSize")});
      failures.push_back(replica->Metric(kFailures));
    }

    fault.begin();
    load.WaitForCalls(300);
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
      if (fault.fails == true) {
        EXPECT_TRUE(Eventually([&] { return replicas_[i]->Metric(kFailures) > failures[i]; }));
      }
    }
    absl::SleepFor(fault.lasts);
    load.WaitForCalls(100);
    fault.end();

    const absl::Time over = absl::Now();
    EXPECT_TRUE(Eventually([&] { return Shares(load); }));
    const absl::Duration took = absl::Now() - over;
    load.WaitForCalls(100);
    Judge(load.Stop());
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
      const std::string log = replicas_[i]->Log();
      // Each cause once, however many calls and attempts met it.
      const std::size_t lost = replicas_[i]->LogCount("redis_lost");
      EXPECT_LE(lost, fault.disconnects ? 4u : 0u) << log;
      EXPECT_GE(lost, fault.disconnects ? 1u : 0u) << log;
      EXPECT_LE(replicas_[i]->LogCount("redis_connected"), fault.disconnects ? 3u : 1u) << log;
      EXPECT_LE(replicas_[i]->LogCount("redis_command_refused"), 1u) << log;
      if (fault.fails == false) {
        EXPECT_EQ(replicas_[i]->Metric(kFailures), failures[i]);
      }
      ExpectBounded(*replicas_[i], before[i]);
      EXPECT_EQ(replicas_[i]->End(), 0) << log;
    }
    std::cout << "[ measured ] shared again after " << took << "\n";
  }

  std::unique_ptr<TcpProxy> proxy_;
  std::vector<std::unique_ptr<ChildReplica>> replicas_;

 private:
  struct Memory {
    long resident = 0;
    long virtual_size = 0;
  };

  /// Tokens that came from the authority, those of the load not counted.
  long fetched_ = 0;

  static void ExpectBounded(const ChildReplica& replica, const Memory& before) {
    const long resident = replica.MemoryKiB("VmHWM") - before.resident;
    const long virtual_size = replica.MemoryKiB("VmPeak") - before.virtual_size;
    std::cout << "[ measured ] memory grew by " << resident << " KiB, address space by "
              << virtual_size << " KiB at most\n";
    if (!kMeasuresMemory) return;
    EXPECT_LE(resident, kMostResidentKiB);
    EXPECT_LE(virtual_size, kMostVirtualKiB);
  }

  void Judge(const BackgroundLoad::Result& result) const {
    EXPECT_EQ(result.failed, 0) << ::testing::PrintToString(result.failures);
    EXPECT_THAT(result.cached, ElementsAre(Key(v1::TOKEN_SOURCE_LOCAL_CACHE)));
    EXPECT_THAT(result.fetched, ElementsAre(Key(v1::TOKEN_SOURCE_AUTHORITY)));
    // No token was asked for twice.
    EXPECT_EQ(TokenRequests(), fetched_ + result.fetched.begin()->second);
    std::cout << "[ measured ] calls: " << result.cached.begin()->second << " for cached tokens, "
              << result.fetched.begin()->second << " for others\n";
  }
};

TEST_F(RedisUnderLoadTest, Killed) {
  StartReplicas(redis_->port());
  Fault fault{[&] { redis_->Kill(); }, [&] { redis_->Restart(); }};
  fault.lasts = absl::Seconds(3);
  Survive(fault);
}

TEST_F(RedisUnderLoadTest, Restarted) {
  StartReplicas(redis_->port());
  Fault fault{[&] { redis_->Restart(); }, [] {}};
  fault.fails = std::nullopt;  // It may be back before anybody asks.
  Survive(fault);
}

TEST_F(RedisUnderLoadTest, Hanging) {
  StartReplicas(redis_->port(), kDefaults);
  Fault fault{[&] { redis_->Pause(); }, [&] { redis_->Resume(); }};
  fault.lasts = absl::Seconds(3);
  Survive(fault);
}

TEST_F(RedisUnderLoadTest, SlowByTwoSeconds) {
  StartReplicas(proxy_->port(), kDefaults);
  Fault fault{[&] { proxy_->SetDelay(absl::Seconds(2)); },
              [&] { proxy_->SetDelay(absl::ZeroDuration()); }};
  fault.lasts = absl::Seconds(3);
  Survive(fault);
}

TEST_F(RedisUnderLoadTest, MadeAReplica) {
  StartReplicas(redis_->port());
  const std::string nowhere = absl::StrCat(FreePort());
  Fault fault{[&] {
                EXPECT_EQ(redis_->Command({"REPLICAOF", "127.0.0.1", nowhere}), "OK");
              },
              [&] {
                EXPECT_EQ(redis_->Command({"REPLICAOF", "NO", "ONE"}), "OK");
              }};
  fault.lasts = absl::Seconds(1);
  Survive(fault);
}

TEST_F(RedisUnderLoadTest, FlushedWithItsScripts) {
  StartReplicas(redis_->port());
  Fault fault{[&] {
                EXPECT_EQ(redis_->Command({"FLUSHALL"}), "OK");
                EXPECT_EQ(redis_->Command({"SCRIPT", "FLUSH"}), "OK");
              },
              [] {}};
  fault.fails = fault.disconnects = false;
  Survive(fault);
}

TEST_F(RedisUnderLoadTest, Full) {
  StartReplicas(redis_->port());
  Fault fault{[&] {
                EXPECT_EQ(redis_->Command({"CONFIG", "SET", "maxmemory", "1"}), "OK");
              },
              [&] {
                EXPECT_GT(SumOf(kRefusedCommands), 0);
                for (const auto& replica : replicas_) {
                  EXPECT_EQ(replica->LogCount("redis_command_refused"), 1u);
                }
                EXPECT_EQ(redis_->Command({"CONFIG", "SET", "maxmemory", "0"}), "OK");
              }};
  fault.disconnects = false;
  Survive(fault);
}

/// What a server answers that speaks, but is of no use.
struct Answer {
  std::string name;
  /// For commands of the handshake; empty: as a healthy server.
  std::string greeting;
  std::string bytes;

  friend void PrintTo(const Answer& answer, std::ostream* out) { *out << answer.name; }
};

class RedisAnswersUnderLoadTest : public RedisUnderLoadTest,
                                  public ::testing::WithParamInterface<Answer> {};

FakeRedis::Answer AnswerTo(const Answer& answer, const FakeRedis::Command& command) {
  std::string bytes = FakeRedis::Greeting(command);
  if (bytes.empty()) {
    bytes = answer.bytes;
  } else if (!answer.greeting.empty()) {
    bytes = answer.greeting;
  } else if (command[0] == "TIME") {
    const std::string seconds = absl::StrCat(absl::ToUnixSeconds(absl::Now()));
    bytes = absl::StrCat("*2\r\n$", seconds.size(), "\r\n", seconds, "\r\n$1\r\n0\r\n");
  }
  return {bytes};
}

TEST_P(RedisAnswersUnderLoadTest, IsAsIfItWereAway) {
  StartReplicas(proxy_->port());
  FakeRedis fake([](const FakeRedis::Command& command) { return AnswerTo(GetParam(), command); });
  Fault fault{[&] { proxy_->SetTarget(fake.port()); }, [&] { proxy_->SetTarget(redis_->port()); }};
  fault.lasts = absl::Seconds(1);
  Survive(fault);
  EXPECT_GT(fake.connections(), 0);
}

constexpr char kLoading[] = "-LOADING Redis is loading the dataset in memory\r\n";
constexpr char kNoAuth[] = "-NOAUTH Authentication required.\r\n";

std::vector<Answer> Answers() {
  return {
      {"loading_from_the_start", kLoading, kLoading},
      {"loading", "", kLoading},
      {"readonly", "", "-READONLY You can't write against a read only replica.\r\n"},
      {"noauth_from_the_start", kNoAuth, kNoAuth},
      {"noauth", "", kNoAuth},
      {"garbage", "", absl::StrCat(std::string("\0\xff\r\n*-7\r\n", 9), "HTTP/1.1 400\r\n\r\n")},
      {"bulk_of_one_gibibyte", "",
       absl::StrCat("$1073741824\r\n", std::string(std::size_t{4} << 20, 'x'))},
      {"array_of_a_billion", "", "*1073741824\r\n$1\r\nx\r\n"},
  };
}

INSTANTIATE_TEST_SUITE_P(Answers, RedisAnswersUnderLoadTest, ::testing::ValuesIn(Answers()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace tokensvc::testing
