// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/shared_hit_bench.h"

#include <hiredis/hiredis.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/key_ring.h"
#include "base/random.h"
#include "tests/cache/redis/redis_harness.h"
#include "tests/cache/redis/redis_server.h"

namespace tokensvc::bench {
namespace {

constexpr int kBlock = 100;
/// Not counted: connections, scripts and code become warm.
constexpr int kWarmUp = 500;

void WriteKeys(const Deployment& deployment, const char* name, KeyPurpose purpose) {
  SystemRandom random;
  const KeyRing ring = KeyRing::MakeRandom(purpose, random);
  const Secret line = KeyFileLine(purpose, KeyState::kPrimary, ring.primary().bytes);
  deployment.WriteFile(name, std::string(line.Reveal()));
}

/// The floor: one blocking connection, one command at a time, nothing done with the answer.
class RawRedis {
 public:
  explicit RawRedis(int port) : context_(redisConnect("127.0.0.1", port)) {
    if (context_ != nullptr) redisEnableKeepAlive(context_.get());
  }
  bool connected() const { return context_ != nullptr && context_->err == 0; }

  /// Bytes of the value; zero where there is none.
  std::size_t Get(const std::string& key) {
    const std::unique_ptr<redisReply, FreeReply> reply(
        static_cast<redisReply*>(redisCommand(context_.get(), "GET %b", key.data(), key.size())));
    return reply != nullptr && reply->type == REDIS_REPLY_STRING ? reply->len : 0;
  }

 private:
  struct FreeContext {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  struct FreeReply {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  std::unique_ptr<redisContext, FreeContext> context_;
};

template <class Work>
double Microseconds(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

/// Lets the replica fetch and share tokens; false where one fails.
bool Fill(const Peer& replica, int tokens) {
  for (int first = 0; first < tokens; first += kBlock) {
    v1::BatchAcquireForClientRequest request;
    for (int i = first; i < first + kBlock; ++i) *request.add_requests() = RequestFor(i);
    v1::BatchAcquireForClientResponse response;
    if (!Call(*replica.stub, request, &response)) return false;
  }
  return true;
}

std::vector<std::string> RecordKeys(const testing::RedisServer& redis) {
  const std::string listed = redis.Command({"KEYS", "tokensvc:v:*"});
  return absl::StrSplit(listed, '\n', absl::SkipEmpty());
}

/// One client that asks one replica, call by call.
class Caller {
 public:
  Caller(const Peer& replica, RawRedis& redis, testing::RedisHarness& client,
         const std::vector<std::string>& keys)
      : replica_(replica), redis_(redis), client_(client), keys_(keys) {}

  double Shared(int token) { return Ask(token, v1::TOKEN_SOURCE_SHARED_CACHE); }
  double Local(int token) { return Ask(token, v1::TOKEN_SOURCE_LOCAL_CACHE); }
  double Get(int number) {
    std::size_t bytes = 0;
    const std::string& key = keys_[static_cast<std::size_t>(number)];
    const double took = Microseconds([&] { bytes = redis_.Get(key); });
    if (bytes == 0) ++wrong_;
    bytes_ += static_cast<double>(bytes);
    ++gets_;
    return took;
  }

  double ClientGet(int number) {
    RedisCommand command = {"GET", keys_[static_cast<std::size_t>(number)]};
    return Microseconds([&] {
      if (!client_.ExecuteOne(std::move(command)).ok()) ++wrong_;
    });
  }

  int wrong() const { return wrong_; }
  double record_bytes() const { return bytes_ / gets_; }

 private:
  double Ask(int token, v1::TokenSource expected) {
    const v1::AcquireForClientRequest request = RequestFor(token);
    v1::AcquireForClientResponse response;
    bool answered = false;
    const double took = Microseconds([&] { answered = Call(*replica_.stub, request, &response); });
    if (!answered || response.source() != expected) ++wrong_;
    return took;
  }

  const Peer& replica_;
  RawRedis& redis_;
  testing::RedisHarness& client_;
  const std::vector<std::string>& keys_;
  int wrong_ = 0;
  double bytes_ = 0;
  double gets_ = 0;
};

}  // namespace

SharedHitResult RunSharedHitBench(const Programs& programs, int blocks) {
  SharedHitResult result;
  result.tokens = kBlock * blocks;
  const int all = result.tokens + kWarmUp;
  const testing::RedisServer redis;
  Deployment deployment(programs);
  WriteKeys(deployment, "sealing", KeyPurpose::kSealing);
  WriteKeys(deployment, "index", KeyPurpose::kIndex);
  const std::string cache =
      absl::StrCat("cache: {redis: {address: \"127.0.0.1:", redis.port(),
                   "\", plaintext: {}, sealing_keys_file: ", deployment.Path("sealing"),
                   ", index_keys_file: ", deployment.Path("index"), "}}\n");
  {
    const Peer a = deployment.StartService("a", cache);
    if (a.stub == nullptr || !Fill(a, all)) return result;
  }
  const std::vector<std::string> keys = RecordKeys(redis);
  if (keys.size() < static_cast<std::size_t>(all)) return result;
  const Peer b = deployment.StartService("b", cache);
  RawRedis raw(redis.port());
  testing::RedisHarness client(testing::PatientOptions(redis.port()), /*key_prefix=*/"");
  if (b.stub == nullptr || !raw.connected() || !client.WaitUntilConnected()) return result;

  Caller caller(b, raw, client, keys);
  for (int i = result.tokens; i < all; ++i) {
    caller.Shared(i);
    caller.Local(i);
    caller.Get(i);
    caller.ClientGet(i);
  }
  std::vector<double> shared_hits, local_hits, gets, client_gets, ratios;
  for (int block = 0; block < blocks; ++block) {
    std::vector<double> shared, local, get, client_get;
    for (int i = block * kBlock; i < (block + 1) * kBlock; ++i) {
      // Whatever goes before warms or cools what comes after; half of the time it is the other.
      if (i % 2 == 0) get.push_back(caller.Get(i));
      shared.push_back(caller.Shared(i));
      local.push_back(caller.Local(i));
      if (i % 2 == 1) get.push_back(caller.Get(i));
      client_get.push_back(caller.ClientGet(i));
    }
    shared_hits.push_back(MedianOf(std::move(shared)).value);
    local_hits.push_back(MedianOf(std::move(local)).value);
    gets.push_back(MedianOf(std::move(get)).value);
    client_gets.push_back(MedianOf(std::move(client_get)).value);
    ratios.push_back((shared_hits.back() - local_hits.back()) / gets.back());
  }
  result.wrong = caller.wrong();
  result.record_bytes = caller.record_bytes();
  result.shared_microseconds = MedianOf(std::move(shared_hits));
  result.local_microseconds = MedianOf(std::move(local_hits));
  result.get_microseconds = MedianOf(std::move(gets));
  result.client_get_microseconds = MedianOf(std::move(client_gets));
  result.added_per_get = MedianOf(std::move(ratios));
  result.ok = true;
  return result;
}

}  // namespace tokensvc::bench
