// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/local_cache_bench.h"

#include <malloc.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "cache/local_cache.h"
#include "service/source/app_token_request.h"
#include "service/source/cache_key.h"

namespace tokensvc::bench {
namespace {

constexpr std::size_t kTokenBytes = 1500;
constexpr int kLookupsPerRun = 200'000;
const BootTime kNow = BootTime(std::chrono::hours(1));

std::shared_ptr<const Registration> MakeRegistration() {
  auto authority = std::make_shared<Authority>();
  auto registration = std::make_shared<Registration>();
  registration->name = "orders-service";
  registration->authority = authority;
  registration->client_id = "9b0c2a44-5d2f-4b53-9f0e-0a1b2c3d4e5f";
  registration->any_tenant = true;
  registration->client_capabilities = {"cp1"};
  return registration;
}

/// One token per tenant, as a multi-tenant backend has them; the tenant is the number in a GUID.
std::string TenantOf(std::size_t number) {
  std::string digits = absl::StrCat(number);
  std::string tenant = "00000000-0000-4000-8000-000000000000";
  tenant.replace(tenant.size() - digits.size(), digits.size(), digits);
  return tenant;
}

class Subject {
 public:
  explicit Subject(std::size_t entries)
      : cache_(LocalCache::Options{std::size_t{8} << 30, 100, 64, nullptr, &purges_}),
        entries_(entries) {
    const std::string token(kTokenBytes, 'x');
    for (std::size_t i = 0; i < entries; ++i) {
      const AppTokenRequest request = Request(i);
      TokenRecord::Fields fields;
      fields.token = token;
      fields.usable_until = fields.due = kNow + std::chrono::hours(1);
      fields.purge_tags = {1, PurgeEpochs::TagOf({request.tenant}), 2};
      cache_.Store(AppTokenCacheKey("default", request), request.tenant, TokenRecord::Make(fields));
    }
  }

  std::size_t counted_bytes() const { return cache_.size().bytes; }

  /// Nanoseconds for one of `kLookupsPerRun` look-ups with keys that are at hand: of all tokens in
  /// random order, or of one.
  double Alone(std::mt19937& random, bool of_one) {
    // Keys in one block, read in order: the caller's key is warm in the cache in real life as well.
    std::vector<std::string> keys;
    keys.reserve(kLookupsPerRun);
    const std::size_t one = random() % entries_;
    for (int i = 0; i < kLookupsPerRun; ++i) {
      keys.push_back(AppTokenCacheKey("default", Request(of_one ? one : random() % entries_)));
    }
    const auto begin = std::chrono::steady_clock::now();
    for (const std::string& key : keys) found_ += cache_.Lookup(key, kNow).record != nullptr;
    return Elapsed(begin);
  }

  /// Nanoseconds for one hit as a handler makes it.
  double InWhole(std::mt19937& random) {
    std::vector<std::string> tenants;
    tenants.reserve(kLookupsPerRun);
    for (int i = 0; i < kLookupsPerRun; ++i) tenants.push_back(TenantOf(random() % entries_));
    AppTokenParams params;
    params.scopes = {"https://graph.microsoft.com/.default"};
    std::string out;
    const auto begin = std::chrono::steady_clock::now();
    for (const std::string& tenant : tenants) {
      params.tenant = tenant;
      const Result<AppTokenRequest> request = MakeAppTokenRequest(registration_, params);
      const std::string key = AppTokenCacheKey("default", *request);
      const LocalCache::Hit hit = cache_.Lookup(key, kNow);
      const absl::string_view token = hit.record->RevealToken();
      out.assign(token.data(), token.size());
      found_ += out.size() == kTokenBytes;
    }
    return Elapsed(begin);
  }

  std::size_t found() const { return found_; }

 private:
  AppTokenRequest Request(std::size_t number) {
    AppTokenParams params;
    const std::string tenant = TenantOf(number);
    params.tenant = tenant;
    params.scopes = {"https://graph.microsoft.com/.default"};
    return *MakeAppTokenRequest(registration_, params);
  }

  static double Elapsed(std::chrono::steady_clock::time_point begin) {
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    return took.count() / kLookupsPerRun;
  }

  PurgeEpochs purges_;
  LocalCache cache_;
  const std::size_t entries_;
  const std::shared_ptr<const Registration> registration_ = MakeRegistration();
  std::size_t found_ = 0;
};

}  // namespace

LocalCacheResult RunLocalCacheBench(std::size_t most, int runs) {
  LocalCacheResult result;
  constexpr std::size_t kForMemory = 100'000;
  {
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    const Subject subject(kForMemory);
    const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    result.bytes_per_token = static_cast<double>(after - before) / kForMemory;
    result.counted_per_token = static_cast<double>(subject.counted_bytes()) / kForMemory;
  }

  std::vector<std::unique_ptr<Subject>> subjects;
  for (const std::size_t entries :
       {std::size_t{1}, std::size_t{1000}, std::size_t{100'000}, most}) {
    subjects.push_back(std::make_unique<Subject>(entries));
    result.lookups.emplace_back().entries = entries;
  }
  std::vector<std::vector<double>> alone(subjects.size()), one_key(subjects.size()),
      whole(subjects.size());
  std::mt19937 random(1);
  for (int run = 0; run < runs; ++run) {
    // All sizes in every run, so that a drift of the machine meets them alike.
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      alone[i].push_back(subjects[i]->Alone(random, /*of_one=*/false));
      one_key[i].push_back(subjects[i]->Alone(random, /*of_one=*/true));
      whole[i].push_back(subjects[i]->InWhole(random));
    }
  }
  const auto ratios = [runs](const std::vector<double>& many, const std::vector<double>& one) {
    std::vector<double> out;
    for (int run = 0; run < runs; ++run) {
      out.push_back(many[static_cast<std::size_t>(run)] / one[static_cast<std::size_t>(run)]);
    }
    return MedianOf(std::move(out));
  };
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    result.lookups[i].ratio = ratios(alone[i], alone[0]);
    result.lookups[i].ratio_of_one_key = ratios(one_key[i], one_key[0]);
    result.lookups[i].ratio_in_whole = ratios(whole[i], whole[0]);
    result.lookups[i].nanoseconds = MedianOf(alone[i]);
    result.lookups[i].nanoseconds_in_whole = MedianOf(whole[i]);
  }
  return result;
}

}  // namespace tokensvc::bench
