// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_INTEGRATION_CC_BACKGROUND_LOAD_H_
#define TOKENSVC_TESTS_INTEGRATION_CC_BACKGROUND_LOAD_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::testing {

/// Callers that call one after the other until they are stopped: three of four calls for tokens
/// that a replica has in its own memory, the fourth for one that nobody has.
class BackgroundLoad {
 public:
  static constexpr int kCallersPerReplica = 4;
  /// Distinct tokens that every replica has.
  static constexpr int kCachedTokens = 20;
  /// A caller that is never stopped ends by itself after so many.
  static constexpr int kMostCallsPerCaller = 20'000;

  /// The request for the cached token `number`.
  static v1::AcquireForClientRequest CachedRequest(int number);
  /// One for a token that nobody has asked for yet.
  v1::AcquireForClientRequest NewRequest();

  struct Result {
    std::vector<std::string> failures;  ///< The first of them.
    long failed = 0;
    /// Of calls for cached and for other tokens, by where the answer came from.
    std::map<v1::TokenSource, long> cached, fetched;
  };

  explicit BackgroundLoad(std::vector<v1::TokenService::Stub*> replicas);
  ~BackgroundLoad() { Stop(); }

  /// Waits until `count` calls that began after this one have ended.
  void WaitForCalls(long count) const;
  /// Ends the callers; what they met.
  Result Stop();

 private:
  void Call(v1::TokenService::Stub& stub);

  const std::vector<v1::TokenService::Stub*> replicas_;
  std::atomic<bool> ending_{false};
  std::atomic<long> ended_{0};
  std::atomic<int> next_new_{0};
  Mutex mutex_;
  Result result_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> callers_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_INTEGRATION_CC_BACKGROUND_LOAD_H_
