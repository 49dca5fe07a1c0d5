// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CLIENT_CORE_NEAR_CACHE_FIXTURE_H_
#define TOKENSVC_TESTS_CLIENT_CORE_NEAR_CACHE_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "client/core/near_cache.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc::client {

inline TokenRequest RequestFor(std::string registration) {
  TokenRequest request;
  request.registration = std::move(registration);
  request.scopes = {"https://graph.example/.default"};
  return request;
}

inline TokenRequest Challenged(TokenRequest request, std::string claims) {
  request.claims_challenge = std::move(claims);
  return request;
}

/// Calls that the test ends when it wants to. Thread-safe.
class FakeCalls {
 public:
  NearCache::Fetch AsFetch() {
    return [this](const TokenRequest& request, NearCache::Callback done) {
      MutexLock lock(&mutex_);
      calls_.emplace_back(request, std::move(done));
      began_.NotifyAll();
    };
  }

  int count() const {
    MutexLock lock(&mutex_);
    return static_cast<int>(calls_.size());
  }

  TokenRequest request(int number) const {
    MutexLock lock(&mutex_);
    return calls_.at(static_cast<std::size_t>(number)).first;
  }

  /// Waits until so many have begun.
  void AwaitCount(int count) {
    MutexLock lock(&mutex_);
    while (static_cast<int>(calls_.size()) < count) began_.Wait(&mutex_);
  }

  void End(int number, const NearCache::Result& result) {
    NearCache::Callback done;
    {
      MutexLock lock(&mutex_);
      done = std::move(calls_.at(static_cast<std::size_t>(number)).second);
    }
    done(result);
  }

 private:
  mutable Mutex mutex_;
  CondVar began_;
  std::vector<std::pair<TokenRequest, NearCache::Callback>> calls_ ABSL_GUARDED_BY(mutex_);
};

/// A cache over FakeCalls and a FakeClock.
struct NearCacheHarness {
  explicit NearCacheHarness(NearCache::Options options = {})
      : cache(NearCache::Create(options, clock, calls.AsFetch())) {}

  /// A token that may be kept for `keep` and lives for `life`.
  AccessToken Token(std::string value, absl::Duration keep = absl::Minutes(1),
                    absl::Duration life = absl::Hours(1)) const {
    AccessToken::Fields fields;
    fields.value = std::move(value);
    fields.near_cache_until = clock.Now() + keep;
    fields.expires_at = clock.Now() + life;
    return AccessToken::Make(std::move(fields));
  }

  /// Asks; what comes is appended to the list that is returned: the token, or the status.
  std::shared_ptr<std::vector<std::string>> Ask(const TokenRequest& request) const {
    auto answers = std::make_shared<std::vector<std::string>>();
    cache->Get(request, [answers](const NearCache::Result& result) {
      answers->push_back(result.ok() ? std::string(result->Reveal())
                                     : absl::StatusCodeToString(result.status().code()));
    });
    return answers;
  }

  testing::FakeClock clock;
  FakeCalls calls;
  std::shared_ptr<NearCache> cache;
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_TESTS_CLIENT_CORE_NEAR_CACHE_FIXTURE_H_
