// SPDX-License-Identifier: Apache-2.0
#include "client/core/near_cache.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "client/core/blocking_wait.h"
#include "client/core/request_key.h"

namespace tokensvc::client {
namespace {

/// What the service's configuration allows at most. An answer that says more is wrong, or comes
/// from a machine whose clock is far from ours.
constexpr absl::Duration kLongestKeep = absl::Hours(1);

BootTime KeepUntil(const AccessToken& token, BootTime asked, const Clock& clock) {
  if (token.near_cache_for().has_value() && token.expires_in().has_value()) {
    return asked + ToNanos(std::min({*token.near_cache_for(), *token.expires_in(), kLongestKeep}));
  }
  const absl::Time now = clock.Now();
  return clock.Boot() + ToNanos(std::min({token.near_cache_until() - now, token.expires_at() - now,
                                          kLongestKeep}));
}

}  // namespace

/// The results of several requests, which come one by one, on any thread.
class NearCache::Gathering {
 public:
  using Done = std::function<void(const ManyResults&)>;

  Gathering(std::size_t count, Done done)
      : done_(std::move(done)),
        left_(count),
        results_(count, absl::DeadlineExceededError("no answer within the caller's time limit")) {}

  void Set(std::size_t index, const Result& result) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      MutexLock lock(&mutex_);
      results_[index] = result;
      if (--left_ > 0) return;
    }
    done_(Results());  // Nobody changes them any more.
  }

  /// Those that have come so far.
  ManyResults Results() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return results_;
  }

 private:
  const Done done_;
  mutable Mutex mutex_;
  std::size_t left_ ABSL_GUARDED_BY(mutex_);
  ManyResults results_ ABSL_GUARDED_BY(mutex_);
};

std::shared_ptr<NearCache> NearCache::Create(Options options, const Clock& clock, Fetch fetch,
                                             FetchMany fetch_many) {
  return std::shared_ptr<NearCache>(
      new NearCache(options, clock, std::move(fetch), std::move(fetch_many)));
}

NearCache::NearCache(Options options, const Clock& clock, Fetch fetch, FetchMany fetch_many)
    : options_(options),
      clock_(clock),
      fetch_(std::move(fetch)),
      fetch_many_(std::move(fetch_many)) {}

std::optional<AccessToken> NearCache::Find(const TokenRequest& request) {
  if (IsForced(request)) return std::nullopt;
  const std::string key = RequestKey(request);
  const BootTime now = clock_.Boot();
  MutexLock lock(&mutex_);
  const AccessToken* found = FindLocked(key, now);
  return found == nullptr ? std::nullopt : std::optional<AccessToken>(*found);
}

void NearCache::Get(const TokenRequest& request, Callback done) {
  if (const std::optional<AccessToken> found = Find(request); found.has_value()) {
    done(*found);
    return;
  }
  std::vector<FlightPtr> started;
  Join(request, RequestKey(request), std::move(done), &started);
  for (const FlightPtr& flight : started) Start(flight);
}

NearCache::Result NearCache::GetBlocking(const TokenRequest& request, absl::Duration timeout) {
  if (std::optional<AccessToken> found = Find(request); found.has_value()) {
    return *std::move(found);
  }
  const auto wait = std::make_shared<BlockingWait<AccessToken>>();
  Get(request, [wait](const Result& result) { wait->Set(result); });
  return wait->WaitFor(timeout);
}

void NearCache::GetMany(const std::vector<TokenRequest>& requests,
                        std::function<void(const ManyResults&)> done) {
  if (requests.empty()) return done({});
  Gather(requests, std::make_shared<Gathering>(requests.size(), std::move(done)));
}

NearCache::ManyResults NearCache::GetManyBlocking(const std::vector<TokenRequest>& requests,
                                                  absl::Duration timeout) {
  if (requests.empty()) return {};
  const auto wait = std::make_shared<BlockingWait<bool>>();
  const auto gathering =
      std::make_shared<Gathering>(requests.size(), [wait](const ManyResults&) { wait->Set(true); });
  Gather(requests, gathering);
  (void)wait->WaitFor(timeout);  // What has come by then.
  return gathering->Results();
}

void NearCache::Gather(const std::vector<TokenRequest>& requests,
                       const std::shared_ptr<Gathering>& gathering) {
  std::vector<FlightPtr> started;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Join(
        requests[i], RequestKey(requests[i]),
        [gathering, i](const Result& result) { gathering->Set(i, result); }, &started);
  }
  auto next = started.begin();
  while (next != started.end()) {
    const auto left = static_cast<std::size_t>(started.end() - next);
    const auto end = next + static_cast<std::ptrdiff_t>(std::min(kMaxFetch, left));
    StartMany(std::vector<FlightPtr>(next, end));
    next = end;
  }
}

std::size_t NearCache::size() const {
  MutexLock lock(&mutex_);
  return entries_.size();
}

void NearCache::Join(const TokenRequest& request, std::string key, Callback done,
                     std::vector<FlightPtr>* started) {
  const bool forced = IsForced(request);
  std::string flight_key = forced ? ForcedRequestKey(key, request) : key;
  const BootTime now = clock_.Boot();
  std::optional<AccessToken> found;
  bool refused = false;
  {
    MutexLock lock(&mutex_);
    // A call may have ended since the caller looked.
    const AccessToken* kept = forced ? nullptr : FindLocked(key, now);
    if (kept != nullptr) {
      found = *kept;
    } else if (waiting_ >= options_.max_waiting) {
      refused = true;
    } else {
      ++waiting_;
      FlightPtr& flight = (forced ? forced_flights_ : plain_flights_)[flight_key];
      if (flight == nullptr) {
        flight = std::make_shared<Flight>();
        flight->request = request;
        flight->key = std::move(key);
        flight->flight_key = std::move(flight_key);
        flight->forced = forced;
        flight->waiters.push_back(std::move(done));
        started->push_back(flight);
      } else {
        // A forced request needs a call that begins after it came.
        const bool begins = std::find(started->begin(), started->end(), flight) != started->end();
        (forced && !begins ? flight->next : flight->waiters).push_back(std::move(done));
      }
    }
  }
  if (found.has_value()) {
    done(*found);
  } else if (refused) {
    done(absl::ResourceExhaustedError("too many requests of this process wait for a token"));
  }
}

void NearCache::Start(const FlightPtr& flight) {
  flight->asked = clock_.Boot();
  fetch_(flight->request, [self = shared_from_this(), flight](const Result& result) mutable {
    const std::vector<Callback> waiters = self->Finish(flight, result);
    // A waiter may be the one that lets go of the cache; it then ends there, on its own thread.
    self.reset();
    for (const Callback& waiter : waiters) waiter(result);
  });
}

void NearCache::StartMany(std::vector<FlightPtr> flights) {
  std::vector<TokenRequest> requests;
  requests.reserve(flights.size());
  const BootTime now = clock_.Boot();
  for (const FlightPtr& flight : flights) {
    flight->asked = now;
    requests.push_back(flight->request);
  }
  fetch_many_(requests, [self = shared_from_this(), flights = std::move(flights)](
                            const absl::StatusOr<ManyResults>& results) mutable {
    const auto result_of = [&results](std::size_t i) -> Result {
      return results.ok() ? (*results)[i] : Result(results.status());
    };
    std::vector<std::vector<Callback>> waiters;
    waiters.reserve(flights.size());
    for (std::size_t i = 0; i < flights.size(); ++i) {
      waiters.push_back(self->Finish(flights[i], result_of(i)));
    }
    self.reset();
    for (std::size_t i = 0; i < waiters.size(); ++i) {
      const Result result = result_of(i);
      for (const Callback& waiter : waiters[i]) waiter(result);
    }
  });
}

std::vector<NearCache::Callback> NearCache::Finish(const FlightPtr& flight, const Result& result) {
  std::vector<Callback> waiters;
  bool again = false;
  {
    MutexLock lock(&mutex_);
    Flights& flights = flight->forced ? forced_flights_ : plain_flights_;
    const auto found = flights.find(flight->flight_key);
    // A plain call that a forced one has overtaken is no longer there: it may bring the old token.
    const bool current = found != flights.end() && found->second == flight;
    if (result.ok() && current) {
      if (flight->forced) plain_flights_.erase(flight->key);
      StoreLocked(flight->key, *result, flight->asked);
    }
    waiters.swap(flight->waiters);
    waiting_ -= waiters.size();
    again = !flight->next.empty();
    if (again) {
      flight->waiters.swap(flight->next);
    } else if (current) {
      flights.erase(found);
    }
  }
  if (again) Start(flight);
  return waiters;
}

const AccessToken* NearCache::FindLocked(const std::string& key, BootTime now) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  const auto entry = found->second;
  if (now >= entry->keep_until) {
    index_.erase(found);
    entries_.erase(entry);
    return nullptr;
  }
  entry->used = true;
  return &entry->token;
}

void NearCache::StoreLocked(const std::string& key, const AccessToken& token, BootTime asked) {
  EraseLocked(key);
  const BootTime keep_until = KeepUntil(token, asked, clock_);
  if (keep_until <= clock_.Boot() || options_.max_entries == 0) return;
  MakeRoomLocked();
  entries_.push_front(Entry{key, token, keep_until});
  index_.emplace(entries_.front().key, entries_.begin());
}

void NearCache::MakeRoomLocked() {
  while (entries_.size() >= options_.max_entries) {
    const auto last = std::prev(entries_.end());
    if (std::exchange(last->used, false)) {
      entries_.splice(entries_.begin(), entries_, last);
    } else {
      index_.erase(last->key);
      entries_.erase(last);
    }
  }
}

void NearCache::EraseLocked(const std::string& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return;
  const auto entry = found->second;
  index_.erase(found);
  entries_.erase(entry);
}

}  // namespace tokensvc::client
