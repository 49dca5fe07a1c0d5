// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/against_bare_bench.h"

#include <algorithm>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/call_load.h"

namespace tokensvc::bench {
namespace {

constexpr int kBatch = 100;

/// `start_on(stub)` is how a call of the method is started.
template <class Request, class Response, class StartOn>
AgainstBareResult Measure(const Programs& programs, const AgainstBareOptions& options,
                          const char* method, const Request& request, StartOn start_on) {
  AgainstBareResult result;
  Deployment deployment(programs, options.identity);
  const Peer ours = deployment.StartService("ours");
  if (ours.stub == nullptr) return result;
  Response answer;
  // The second answer is the one that all later calls get: from the local cache.
  for (int i = 0; i < 2; ++i) {
    answer.Clear();
    if (!Call(*ours.stub, request, &answer, deployment.identity().authorization())) return result;
  }
  result.answer_bytes = answer.ByteSizeLong();
  const Peer bare =
      deployment.StartBareServer({{method, answer.SerializeAsString()}}, options.tuned_bare);
  if (bare.stub == nullptr) return result;

  const auto measure = [&](const Peer& peer, double* cpu) {
    const absl::Duration before = peer.process->CpuTime();
    CallLoad<Request, Response> calls(start_on(*peer.stub), request,
                                      deployment.identity().authorization());
    const LoadResult load = calls.Run(options.in_flight, absl::Seconds(options.seconds));
    *cpu = absl::ToDoubleMicroseconds(peer.process->CpuTime() - before) /
           static_cast<double>(std::max(1L, load.calls));
    result.calls += load.calls;
    result.failed += load.failed;
    return load;
  };
  double ignored = 0;
  measure(bare, &ignored);  // warm-up, not counted
  measure(ours, &ignored);
  result.calls = result.failed = 0;

  std::vector<double> throughput, p99, extra, bare_cpu, bare_rate, our_rate;
  for (int pair = 0; pair < options.pairs; ++pair) {
    double floor_cpu = 0, our_cpu = 0;
    LoadResult floor_load, our_load;
    // Who goes first alternates, so that a drift of the machine favours neither.
    if (pair % 2 == 0) floor_load = measure(bare, &floor_cpu);
    our_load = measure(ours, &our_cpu);
    if (pair % 2 == 1) floor_load = measure(bare, &floor_cpu);
    throughput.push_back(our_load.calls_per_second / floor_load.calls_per_second);
    p99.push_back(our_load.p99_microseconds / floor_load.p99_microseconds);
    extra.push_back(our_cpu - floor_cpu);
    bare_cpu.push_back(floor_cpu);
    bare_rate.push_back(floor_load.calls_per_second);
    our_rate.push_back(our_load.calls_per_second);
  }
  result.throughput_ratio = MedianOf(std::move(throughput));
  result.p99_ratio = MedianOf(std::move(p99));
  result.extra_cpu_microseconds = MedianOf(std::move(extra));
  result.bare_cpu_microseconds = MedianOf(std::move(bare_cpu));
  result.bare_calls_per_second = MedianOf(std::move(bare_rate));
  result.our_calls_per_second = MedianOf(std::move(our_rate));

  result.ok = true;
  return result;
}

}  // namespace

AgainstBareResult RunWarmUnaryBench(const Programs& programs, const AgainstBareOptions& options) {
  using Request = v1::AcquireForClientRequest;
  using Response = v1::AcquireForClientResponse;
  return Measure<Request, Response>(
      programs, options, "AcquireForClient", RequestFor(0), [](v1::TokenService::Stub& stub) {
        return [&stub](grpc::ClientContext* context, const Request* request, Response* response,
                       std::function<void(grpc::Status)> done) {
          stub.async()->AcquireForClient(context, request, response, std::move(done));
        };
      });
}

AgainstBareResult RunWarmBatchBench(const Programs& programs, const AgainstBareOptions& options) {
  using Request = v1::BatchAcquireForClientRequest;
  using Response = v1::BatchAcquireForClientResponse;
  Request batch;
  for (int i = 0; i < kBatch; ++i) *batch.add_requests() = RequestFor(i);
  return Measure<Request, Response>(
      programs, options, "BatchAcquireForClient", batch, [](v1::TokenService::Stub& stub) {
        return [&stub](grpc::ClientContext* context, const Request* request, Response* response,
                       std::function<void(grpc::Status)> done) {
          stub.async()->BatchAcquireForClient(context, request, response, std::move(done));
        };
      });
}

}  // namespace tokensvc::bench
