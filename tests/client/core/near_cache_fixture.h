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

  NearCache::FetchMany AsFetchMany() {
    return [this](const std::vector<TokenRequest>& requests, NearCache::ManyCallback done) {
      MutexLock lock(&mutex_);
      batches_.emplace_back(requests, std::move(done));
    };
  }

  /// The registrations that each batch so far asked for.
  std::vector<std::vector<std::string>> batches() const {
    MutexLock lock(&mutex_);
    std::vector<std::vector<std::string>> registrations;
    for (const auto& [requests, done] : batches_) {
      registrations.emplace_back();
      for (const TokenRequest& request : requests) {
        registrations.back().push_back(request.registration);
      }
    }
    return registrations;
  }

  void EndBatch(int number, const absl::StatusOr<NearCache::ManyResults>& results) {
    NearCache::ManyCallback done;
    {
      MutexLock lock(&mutex_);
      done = std::move(batches_.at(static_cast<std::size_t>(number)).second);
    }
    done(results);
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
  std::vector<std::pair<std::vector<TokenRequest>, NearCache::ManyCallback>> batches_
      ABSL_GUARDED_BY(mutex_);
};

/// A cache over FakeCalls and a FakeClock.
struct NearCacheHarness {
  explicit NearCacheHarness(NearCache::Options options = {})
      : cache(NearCache::Create(options, clock, calls.AsFetch(), calls.AsFetchMany())) {}

  /// A token that may be kept for `keep` and lives for `life`.
  AccessToken Token(std::string value, absl::Duration keep = absl::Minutes(1),
                    absl::Duration life = absl::Hours(1)) const {
    AccessToken::Fields fields;
    fields.value = std::move(value);
    fields.near_cache_until = clock.Now() + keep;
    fields.expires_at = clock.Now() + life;
    return AccessToken::Make(std::move(fields));
  }

  /// One of a service that says lengths, and whose wall clock is `ahead` of ours.
  AccessToken TimedToken(std::string value, absl::Duration ahead, absl::Duration keep,
                         absl::Duration life) const {
    AccessToken::Fields fields;
    fields.value = std::move(value);
    fields.near_cache_until = clock.Now() + ahead + keep;
    fields.expires_at = clock.Now() + ahead + life;
    fields.near_cache_for = keep;
    fields.expires_in = life;
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

  /// The same for several.
  std::shared_ptr<std::vector<std::string>> AskMany(
      const std::vector<TokenRequest>& requests) const {
    auto answers = std::make_shared<std::vector<std::string>>();
    cache->GetMany(requests, [answers](const NearCache::ManyResults& results) {
      for (const NearCache::Result& result : results) {
        answers->push_back(result.ok() ? std::string(result->Reveal())
                                       : absl::StatusCodeToString(result.status().code()));
      }
    });
    return answers;
  }

  testing::FakeClock clock;
  FakeCalls calls;
  std::shared_ptr<NearCache> cache;
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_TESTS_CLIENT_CORE_NEAR_CACHE_FIXTURE_H_
