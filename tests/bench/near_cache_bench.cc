// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/near_cache_bench.h"

#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "client/core/near_cache.h"

namespace tokensvc::bench {
namespace {

using client::AccessToken;
using client::NearCache;
using client::TokenRequest;

constexpr std::size_t kTokenBytes = 1500;
constexpr std::size_t kTokens = 1000;
constexpr int kHitsPerRun = 200'000;

class Subject {
 public:
  explicit Subject(std::size_t tokens) {
    for (std::size_t i = 0; i < tokens; ++i) {
      TokenRequest& request = requests_.emplace_back();
      request.registration = "orders-service";
      request.tenant = absl::StrCat("00000000-0000-4000-8000-", 100'000'000'000 + i);
      request.scopes = {"https://graph.microsoft.com/.default"};
      cache_->Get(request, [](const NearCache::Result&) {});
    }
  }

  NearCache::Result Hit(std::size_t number) {
    return cache_->GetBlocking(requests_[number], absl::Seconds(1));
  }

  int calls() const { return calls_; }

 private:
  const SystemClock clock_;
  std::atomic<int> calls_ = 0;
  std::vector<TokenRequest> requests_;
  const std::shared_ptr<NearCache> cache_ =
      NearCache::Create({}, clock_, [this](const TokenRequest&, const NearCache::Callback& done) {
        ++calls_;
        AccessToken::Fields fields;
        fields.value = std::string(kTokenBytes, 'x');
        fields.near_cache_until = fields.expires_at = clock_.Now() + absl::Hours(1);
        done(AccessToken::Make(std::move(fields)));
      });
};

/// Nanoseconds for one of `kHitsPerRun` calls of `hit`, which returns the size of what it got.
template <class Hit>
double Measure(const Hit& hit) {
  std::size_t bytes = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kHitsPerRun; ++i) bytes += hit(i);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
  return bytes == 0 ? 0 : took.count() / kHitsPerRun;
}

}  // namespace

NearCacheResult RunNearCacheBench(int runs) {
  Subject one(1), full(kTokens);
  std::mt19937 random(1);
  std::vector<std::size_t> order(kHitsPerRun);
  for (std::size_t& number : order) number = random() % kTokens;
  const auto hit_one = [&one](int) { return one.Hit(0)->Reveal().size(); };

  std::vector<double> one_token, full_cache, header, two_threads;
  for (int run = 0; run < runs; ++run) {
    one_token.push_back(Measure(hit_one));
    full_cache.push_back(Measure(
        [&](int i) { return full.Hit(order[static_cast<std::size_t>(i)])->Reveal().size(); }));
    header.push_back(Measure(
        [&one](int) { return std::string(one.Hit(0)->RevealAuthorizationHeader()).size(); }));
    std::atomic<bool> stop = false;
    std::thread other([&] {
      while (!stop) hit_one(0);
    });
    two_threads.push_back(Measure(hit_one));
    stop = true;
    other.join();
  }
  NearCacheResult result;
  result.one_token = MedianOf(std::move(one_token));
  result.full = MedianOf(std::move(full_cache));
  result.header = MedianOf(std::move(header));
  result.two_threads = MedianOf(std::move(two_threads));
  result.calls = one.calls() + full.calls();
  return result;
}

}  // namespace tokensvc::bench
