// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/noisy_caller_bench.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/bench/call_load.h"

namespace tokensvc::bench {
namespace {

using Request = v1::AcquireForClientRequest;
using Response = v1::AcquireForClientResponse;
using Clock = std::chrono::steady_clock;

/// Calls at a fixed rate, whatever becomes of the calls, until it ends.
class FixedRate {
 public:
  FixedRate(v1::TokenService::Stub& stub, int per_second)
      : stub_(stub), per_second_(per_second), began_(Clock::now()), thread_([this] { Run(); }) {}

  struct Result {
    double offered = 0;
    double answered = 0;
  };
  /// Waits for the calls that are under way.
  Result End() {
    ending_ = true;
    thread_.join();
    const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
    while (under_way_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {static_cast<double>(started_) / seconds, static_cast<double>(answered_) / seconds};
  }

 private:
  struct Call {
    grpc::ClientContext context;
    Response response;
  };

  void Run() {
    while (!ending_) {
      const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
      const auto due = static_cast<long>(seconds * per_second_);
      for (; started_ < due; ++started_) Start();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void Start() {
    auto call = std::make_shared<Call>();
    call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    ++under_way_;
    stub_.async()->AcquireForClient(&call->context, &request_, &call->response,
                                    [this, call](const grpc::Status& status) {
                                      if (status.ok()) ++answered_;
                                      --under_way_;
                                    });
  }

  v1::TokenService::Stub& stub_;
  const int per_second_;
  const Request request_ = RequestFor(0);
  const Clock::time_point began_;
  std::atomic<bool> ending_{false};
  long started_ = 0;
  std::atomic<long> answered_{0};
  std::atomic<long> under_way_{0};
  std::thread thread_;
};

}  // namespace

NoisyCallerResult RunNoisyCallerBench(const Programs& programs, const NoisyCallerOptions& options) {
  NoisyCallerResult result;
  Deployment deployment(programs);
  const Peer service = deployment.StartService("noisy", "", kNoisyQuota);
  if (service.stub == nullptr || service.noisy == nullptr) return result;
  Response answer;
  const Request request = RequestFor(0);
  if (!Call(*service.stub, request, &answer)) return result;

  const auto quiet = [&] {
    CallLoad<Request, Response> calls(
        [&service](grpc::ClientContext* context, const Request* asked, Response* response,
                   std::function<void(grpc::Status)> done) {
          service.stub->async()->AcquireForClient(context, asked, response, std::move(done));
        },
        request, deployment.identity().authorization());
    const LoadResult load = calls.Run(/*in_flight=*/1, absl::Seconds(options.seconds));
    result.calls += load.calls;
    result.lost += load.failed;
    return load;
  };
  std::vector<double> p50, p99, alone_p50, alone_p99, beside_p50, beside_p99, offered, answered;
  const auto beside_noise = [&] {
    FixedRate noisy(*service.noisy, kNoisyQuota * kNoisyTimes);
    const LoadResult load = quiet();
    const FixedRate::Result noise = noisy.End();
    offered.push_back(noise.offered);
    answered.push_back(noise.answered);
    return load;
  };
  quiet();  // warm-up, not counted
  beside_noise();
  offered.clear();
  answered.clear();
  result.calls = result.lost = 0;
  for (int pair = 0; pair < options.pairs; ++pair) {
    LoadResult alone, beside;
    // Who goes first alternates, so that a drift of the machine favours neither.
    if (pair % 2 == 0) alone = quiet();
    beside = beside_noise();
    if (pair % 2 == 1) alone = quiet();
    alone_p50.push_back(alone.p50_microseconds);
    alone_p99.push_back(alone.p99_microseconds);
    beside_p50.push_back(beside.p50_microseconds);
    beside_p99.push_back(beside.p99_microseconds);
    p50.push_back(beside.p50_microseconds / alone.p50_microseconds);
    p99.push_back(beside.p99_microseconds / alone.p99_microseconds);
  }
  result.p50_ratio = MedianOf(std::move(p50));
  result.p99_ratio = MedianOf(std::move(p99));
  result.alone_p50 = MedianOf(std::move(alone_p50));
  result.alone_p99 = MedianOf(std::move(alone_p99));
  result.beside_p50 = MedianOf(std::move(beside_p50));
  result.beside_p99 = MedianOf(std::move(beside_p99));
  result.offered = MedianOf(std::move(offered));
  result.answered = MedianOf(std::move(answered));
  result.ok = true;
  return result;
}

}  // namespace tokensvc::bench
