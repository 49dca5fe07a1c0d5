// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_CORE_NEAR_CACHE_H_
#define TOKENSVC_CLIENT_CORE_NEAR_CACHE_H_

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "tokensvc/access_token.h"
#include "tokensvc/token_request.h"

namespace tokensvc::client {

/// The tokens that a process keeps for as long as the service allows, so that most headers need no
/// call; and for each token that is not kept, one call, whoever waits for it.
///
/// A token is kept for as long as its `near_cache_for` and `expires_in` both allow, counted from
/// before the request was sent on a clock that nobody can set back: the machine's wall clock may be
/// wrong. Where the service is too old to say so, until its `near_cache_until` and `expires_at` by
/// the wall clock. A forced request (claims
/// challenge, forced refresh) never gets what is kept, nor the result of a call that began before
/// it; what it brings replaces what is kept, also against a plain call that is still running and
/// may bring the older token. Failures are not kept: the service remembers them.
///
/// Thread-safe. Knows nothing of gRPC (ThreadSanitizer, ADR 0006).
class NearCache : public std::enable_shared_from_this<NearCache> {
 public:
  struct Options {
    std::size_t max_entries = 1000;    ///< One that was not used lately goes first; 0: keep none.
    std::size_t max_waiting = 10'000;  ///< Requests that wait for a call; more are refused.
  };
  using Result = absl::StatusOr<AccessToken>;
  using Callback = std::function<void(const Result&)>;
  /// Starts a call for the request and calls `done` exactly once, within a deadline, on any thread.
  using Fetch = std::function<void(const TokenRequest& request, Callback done)>;

  using ManyResults = std::vector<Result>;
  using ManyCallback = std::function<void(const absl::StatusOr<ManyResults>&)>;
  /// The same for 1 to kMaxFetch requests at once: a result for each, or one failure for all.
  using FetchMany =
      std::function<void(const std::vector<TokenRequest>& requests, ManyCallback done)>;
  static constexpr std::size_t kMaxFetch = 100;

  /// `clock` must outlive the cache, and the cache lives until the last call that it began is done.
  static std::shared_ptr<NearCache> Create(Options options, const Clock& clock, Fetch fetch,
                                           FetchMany fetch_many = nullptr);

  /// What is kept for the request; none where nothing is, or where the request is forced.
  std::optional<AccessToken> Find(const TokenRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);

  /// What is kept, at once and on this thread; else the result of a call, on the thread that ends
  /// it. RESOURCE_EXHAUSTED: too many wait already.
  void Get(const TokenRequest& request, Callback done) ABSL_LOCKS_EXCLUDED(mutex_);

  /// The same, waiting for at most `timeout`; DEADLINE_EXCEEDED then, and the call goes on for the
  /// others.
  Result GetBlocking(const TokenRequest& request, absl::Duration timeout)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// For each request what Get brings, in their order: what is neither kept nor being fetched is
  /// fetched together. `done` is called once, when all are there. Needs a FetchMany.
  void GetMany(const std::vector<TokenRequest>& requests,
               std::function<void(const ManyResults&)> done) ABSL_LOCKS_EXCLUDED(mutex_);

  /// The same, waiting for at most `timeout`; DEADLINE_EXCEEDED for what has not come by then.
  ManyResults GetManyBlocking(const std::vector<TokenRequest>& requests, absl::Duration timeout)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// How many tokens are kept, those included that have become too old since.
  std::size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    std::string key;
    AccessToken token;
    BootTime keep_until;
    bool used = false;  ///< Since it was stored, or since it was last spared.
  };
  /// One running call. `waiters` and `next` are guarded by the cache's lock.
  struct Flight {
    TokenRequest request;
    std::string key;         ///< Of the token.
    std::string flight_key;  ///< Under which others find it.
    bool forced = false;
    BootTime asked;  ///< Before the call began.
    std::vector<Callback> waiters;
    std::vector<Callback> next;  ///< Forced requests that came later: for the call after this one.
  };
  class Gathering;
  using FlightPtr = std::shared_ptr<Flight>;
  using Flights = std::unordered_map<std::string, FlightPtr>;

  NearCache(Options options, const Clock& clock, Fetch fetch, FetchMany fetch_many);

  /// Answers `done`, or lets it wait for a flight, which is added to `started` where the caller is
  /// to start it.
  void Join(const TokenRequest& request, std::string key, Callback done,
            std::vector<FlightPtr>* started) ABSL_LOCKS_EXCLUDED(mutex_);
  void Start(const FlightPtr& flight);
  void StartMany(std::vector<FlightPtr> flights);
  void Gather(const std::vector<TokenRequest>& requests,
              const std::shared_ptr<Gathering>& gathering);
  /// Those who waited for the flight, to be told without the lock.
  std::vector<Callback> Finish(const FlightPtr& flight, const Result& result);

  const AccessToken* FindLocked(const std::string& key, BootTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StoreLocked(const std::string& key, const AccessToken& token, BootTime asked)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoomLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EraseLocked(const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const Clock& clock_;
  const Fetch fetch_;
  const FetchMany fetch_many_;

  mutable Mutex mutex_;
  /// The next to go last; what was used is spared once (second chance), so that a hit touches one
  /// entry and not its neighbours in a list.
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  /// Keys are views into `entries_`.
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_ ABSL_GUARDED_BY(mutex_);
  Flights plain_flights_ ABSL_GUARDED_BY(mutex_);
  Flights forced_flights_ ABSL_GUARDED_BY(mutex_);
  std::size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_CORE_NEAR_CACHE_H_
