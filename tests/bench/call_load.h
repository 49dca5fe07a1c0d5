// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_BENCH_CALL_LOAD_H_
#define TOKENSVC_TESTS_BENCH_CALL_LOAD_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "tests/bench/statistics.h"

namespace tokensvc::bench {

/// What a burst of calls showed.
struct LoadResult {
  long calls = 0;
  long failed = 0;
  double calls_per_second = 0;
  double p50_microseconds = 0;
  double p99_microseconds = 0;
};

/// Keeps a number of calls of one unary method running: when one ends, the next begins.
template <class Request, class Response>
class CallLoad {
 public:
  using Clock = std::chrono::steady_clock;
  /// Starts one call by the stub's callback API.
  using Start = std::function<void(grpc::ClientContext*, const Request*, Response*,
                                   std::function<void(grpc::Status)>)>;

  /// `authorization` goes with each call, unless it is empty.
  CallLoad(Start start, const Request& request, std::string authorization)
      : start_(std::move(start)), request_(request), authorization_(std::move(authorization)) {}

  /// `in_flight` calls at a time for `duration`.
  LoadResult Run(int in_flight, absl::Duration duration) {
    const auto begin = Clock::now();
    end_ = begin + absl::ToChronoNanoseconds(duration);
    running_ = in_flight;
    std::vector<std::unique_ptr<Lane>> lanes;
    for (int i = 0; i < in_flight; ++i) lanes.push_back(std::make_unique<Lane>());
    for (const auto& lane : lanes) Next(*lane);
    {
      MutexLock lock(&mutex_);
      while (running_.load() > 0) done_.Wait(&mutex_);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    LoadResult result;
    std::vector<double> latencies;
    for (const auto& lane : lanes) {
      latencies.insert(latencies.end(), lane->latencies.begin(), lane->latencies.end());
      result.failed += lane->failed;
    }
    result.calls = static_cast<long>(latencies.size());
    result.calls_per_second = static_cast<double>(result.calls) / seconds;
    result.p50_microseconds = Percentile(latencies, 0.5);
    result.p99_microseconds = Percentile(latencies, 0.99);
    return result;
  }

 private:
  /// One of the calls that are kept running.
  struct Lane {
    std::vector<double> latencies;
    long failed = 0;
    std::unique_ptr<grpc::ClientContext> context;
    Response response;
    Clock::time_point started;
  };

  void Next(Lane& lane) {
    lane.context = std::make_unique<grpc::ClientContext>();
    lane.context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    if (!authorization_.empty()) lane.context->AddMetadata("authorization", authorization_);
    lane.started = Clock::now();
    start_(lane.context.get(), &request_, &lane.response,
           [this, &lane](const grpc::Status& status) { Ended(lane, status); });
  }

  void Ended(Lane& lane, const grpc::Status& status) {
    const auto now = Clock::now();
    lane.latencies.push_back(std::chrono::duration<double, std::micro>(now - lane.started).count());
    if (!status.ok()) ++lane.failed;
    if (now < end_) return Next(lane);
    MutexLock lock(&mutex_);
    if (--running_ == 0) done_.NotifyAll();
  }

  const Start start_;
  const Request& request_;
  const std::string authorization_;
  Clock::time_point end_;
  std::atomic<int> running_{0};
  Mutex mutex_;
  CondVar done_;
};

}  // namespace tokensvc::bench

#endif  // TOKENSVC_TESTS_BENCH_CALL_LOAD_H_
