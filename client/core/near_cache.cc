// SPDX-License-Identifier: Apache-2.0
#include "client/core/near_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "client/core/blocking_wait.h"
#include "client/core/request_key.h"

namespace tokensvc::client {
namespace {

/// What the service's configuration allows at most. An answer that says more comes from a machine
/// whose clock is far from ours.
constexpr absl::Duration kLongestKeep = absl::Hours(1);

}  // namespace

std::shared_ptr<NearCache> NearCache::Create(Options options, const Clock& clock, Fetch fetch) {
  return std::shared_ptr<NearCache>(new NearCache(options, clock, std::move(fetch)));
}

NearCache::NearCache(Options options, const Clock& clock, Fetch fetch)
    : options_(options), clock_(clock), fetch_(std::move(fetch)) {}

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
  Join(request, RequestKey(request), std::move(done));
}

NearCache::Result NearCache::GetBlocking(const TokenRequest& request, absl::Duration timeout) {
  if (std::optional<AccessToken> found = Find(request); found.has_value()) {
    return *std::move(found);
  }
  const auto wait = std::make_shared<BlockingWait<AccessToken>>();
  Join(request, RequestKey(request), [wait](const Result& result) { wait->Set(result); });
  return wait->WaitFor(timeout);
}

std::size_t NearCache::size() const {
  MutexLock lock(&mutex_);
  return entries_.size();
}

void NearCache::Join(const TokenRequest& request, std::string key, Callback done) {
  const bool forced = IsForced(request);
  std::string flight_key = forced ? ForcedRequestKey(key, request) : key;
  const BootTime now = clock_.Boot();
  std::optional<AccessToken> found;
  std::shared_ptr<Flight> started;
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
      std::shared_ptr<Flight>& flight = (forced ? forced_flights_ : plain_flights_)[flight_key];
      if (flight == nullptr) {
        flight = std::make_shared<Flight>();
        flight->request = request;
        flight->key = std::move(key);
        flight->flight_key = std::move(flight_key);
        flight->forced = forced;
        flight->waiters.push_back(std::move(done));
        started = flight;
      } else {
        (forced ? flight->next : flight->waiters).push_back(std::move(done));
      }
    }
  }
  if (found.has_value()) {
    done(*found);
  } else if (refused) {
    done(absl::ResourceExhaustedError("too many requests of this process wait for a token"));
  } else if (started != nullptr) {
    Start(started);
  }
}

void NearCache::Start(const std::shared_ptr<Flight>& flight) {
  fetch_(flight->request, [self = shared_from_this(), flight](const Result& result) mutable {
    const std::vector<Callback> waiters = self->Finish(flight, result);
    // A waiter may be the one that lets go of the cache; it then ends there, on its own thread.
    self.reset();
    for (const Callback& waiter : waiters) waiter(result);
  });
}

std::vector<NearCache::Callback> NearCache::Finish(const std::shared_ptr<Flight>& flight,
                                                   const Result& result) {
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
      StoreLocked(flight->key, *result);
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

void NearCache::StoreLocked(const std::string& key, const AccessToken& token) {
  EraseLocked(key);
  const absl::Duration keep = std::min(
      {token.near_cache_until() - clock_.Now(), token.expires_at() - clock_.Now(), kLongestKeep});
  if (keep <= absl::ZeroDuration() || options_.max_entries == 0) return;
  MakeRoomLocked();
  entries_.push_front(Entry{key, token, clock_.Boot() + ToNanos(keep)});
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
