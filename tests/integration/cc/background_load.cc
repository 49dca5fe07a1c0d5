// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/cc/background_load.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tokensvc::testing {
namespace {

// What a caller that is in no hurry would wait. Far more than a fetch takes on a busy machine, and
// less than a call takes that waits for a Redis that is away.
constexpr std::chrono::seconds kDeadline{10};

v1::AcquireForClientRequest RequestFor(const std::string& name) {
  v1::AcquireForClientRequest request;
  request.set_registration("orders");
  request.add_scopes(absl::StrCat("api://", name, "/.default"));
  return request;
}

}  // namespace

v1::AcquireForClientRequest BackgroundLoad::CachedRequest(int number) {
  return RequestFor(absl::StrCat("cached-", number % kCachedTokens));
}

v1::AcquireForClientRequest BackgroundLoad::NewRequest() {
  return RequestFor(absl::StrCat("new-", next_new_.fetch_add(1)));
}

BackgroundLoad::BackgroundLoad(std::vector<v1::TokenService::Stub*> replicas)
    : replicas_(std::move(replicas)) {
  for (v1::TokenService::Stub* const stub : replicas_) {
    for (int i = 0; i < kCallersPerReplica; ++i) {
      callers_.emplace_back([this, stub] { Call(*stub); });
    }
  }
}

void BackgroundLoad::Call(v1::TokenService::Stub& stub) {
  for (int i = 0; i < kMostCallsPerCaller && !ending_; ++i) {
    const bool cached = i % 4 != 3;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    v1::AcquireForClientResponse response;
    const grpc::Status status =
        stub.AcquireForClient(&context, cached ? CachedRequest(i) : NewRequest(), &response);
    ++ended_;
    {
      MutexLock lock(&mutex_);
      if (status.ok()) {
        ++(cached ? result_.cached : result_.fetched)[response.source()];
      } else if (++result_.failed <= 5) {
        result_.failures.push_back(absl::StrCat(status.error_code(), ": ", status.error_message()));
      }
    }
    absl::SleepFor(absl::Milliseconds(1));
  }
}

void BackgroundLoad::WaitForCalls(long count) const {
  // As many as there are callers may have begun before.
  const long enough = ended_ + count + static_cast<long>(callers_.size());
  const absl::Time give_up = absl::Now() + absl::Seconds(60);
  while (ended_ < enough && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(1));
}

BackgroundLoad::Result BackgroundLoad::Stop() {
  ending_ = true;
  for (std::thread& caller : callers_) {
    if (caller.joinable()) caller.join();
  }
  MutexLock lock(&mutex_);
  return result_;
}

}  // namespace tokensvc::testing
