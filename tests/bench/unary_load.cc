// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/unary_load.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>

#include "absl/time/clock.h"
#include "base/mutex.h"
#include "tests/bench/statistics.h"

namespace tokensvc::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// One of the calls that are kept in flight: when it ends, the next begins.
class Lane {
 public:
  Lane(v1::TokenService::Stub& stub, const v1::AcquireForClientRequest& request,
       SteadyClock::time_point end, std::atomic<int>& running, Mutex& mutex, CondVar& done)
      : stub_(stub), request_(request), end_(end), running_(running), mutex_(mutex), done_(done) {}

  void Next() {
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    started_ = SteadyClock::now();
    stub_.async()->AcquireForClient(context_.get(), &request_, &response_,
                                    [this](grpc::Status status) { Ended(status); });
  }

  std::vector<double> latencies;
  long failed = 0;

 private:
  void Ended(const grpc::Status& status) {
    const auto now = SteadyClock::now();
    latencies.push_back(std::chrono::duration<double, std::micro>(now - started_).count());
    if (!status.ok()) ++failed;
    if (now < end_) return Next();
    MutexLock lock(&mutex_);
    if (--running_ == 0) done_.NotifyAll();
  }

  v1::TokenService::Stub& stub_;
  const v1::AcquireForClientRequest& request_;
  const SteadyClock::time_point end_;
  std::atomic<int>& running_;
  Mutex& mutex_;
  CondVar& done_;
  std::unique_ptr<grpc::ClientContext> context_;
  v1::AcquireForClientResponse response_;
  SteadyClock::time_point started_;
};

}  // namespace

LoadResult RunUnaryLoad(v1::TokenService::Stub& stub, const v1::AcquireForClientRequest& request,
                        int in_flight, absl::Duration duration) {
  Mutex mutex;
  CondVar done;
  std::atomic<int> running{in_flight};
  const auto begin = SteadyClock::now();
  const auto end = begin + absl::ToChronoNanoseconds(duration);
  std::vector<std::unique_ptr<Lane>> lanes;
  for (int i = 0; i < in_flight; ++i) {
    lanes.push_back(std::make_unique<Lane>(stub, request, end, running, mutex, done));
  }
  for (const auto& lane : lanes) lane->Next();
  {
    MutexLock lock(&mutex);
    while (running.load() > 0) done.Wait(&mutex);
  }
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  LoadResult result;
  std::vector<double> latencies;
  for (const auto& lane : lanes) {
    latencies.insert(latencies.end(), lane->latencies.begin(), lane->latencies.end());
    result.failed += lane->failed;
  }
  result.calls = static_cast<long>(latencies.size());
  result.calls_per_second = static_cast<double>(result.calls) / seconds;
  result.p50_microseconds = Percentile(latencies, 0.50);
  result.p99_microseconds = Percentile(latencies, 0.99);
  return result;
}

}  // namespace tokensvc::bench
