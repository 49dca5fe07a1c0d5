// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_APP_TOKEN_SOURCE_H_
#define TOKENSVC_SERVICE_SOURCE_APP_TOKEN_SOURCE_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/event_loop.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "cache/lease.h"
#include "cache/local_cache.h"
#include "cache/purge_epochs.h"
#include "cache/seal/purge_namer.h"
#include "cache/shared_store.h"
#include "cache/token_record.h"
#include "service/authority/error.h"
#include "service/grant/grant_engine.h"
#include "service/source/app_token_request.h"
#include "service/source/authority_budget.h"
#include "service/source/failure_memory.h"
#include "service/source/flight_group.h"
#include "service/source/freshness_policy.h"
#include "service/source/waiting_room.h"

namespace tokensvc {

/// Where an answer's token was found.
enum class FoundIn { kAuthority, kSharedCache, kLocalCache };

/// Why the authority was, or is being, asked.
enum class RefreshCause { kNone, kNoCachedToken, kExpired, kForced, kProactive };

/// What a call gets that comes, or still waits, when this replica is about to end.
Error Draining();

/// A token for a request, valid for at least the egress skew.
struct AppToken {
  std::shared_ptr<const TokenRecord> record;
  FoundIn found_in = FoundIn::kLocalCache;
  RefreshCause cause = RefreshCause::kNone;
};

/// The middle of the way of a request (DESIGN.md §4): local cache, then one flight per missing
/// token, then the grant engine; and a refresh behind the answer where the token at hand is due.
/// Thread-safe.
class AppTokenSource {
 public:
  struct Options {
    std::string keyspace = "default";
    /// Calls that may wait at once, half of them for one tenant and a quarter of one caller; more
    /// are refused with kOverloaded, and with kQuotaExceeded where it is the caller's own bound.
    std::size_t max_waiting_calls = 20'000;
    AuthorityBudget::Limits authority_budget = {};
    FreshnessPolicy freshness;
  };
  struct Dependencies {
    LocalCache& cache;
    FailureMemory& failures;
    const Clock& clock;
    RandomGenerator& random;
    Logger& logger;
    MetricRegistry& metrics;
    /// What the cache is held against, too, and the names of what is purged. Both or neither.
    PurgeEpochs* purges = nullptr;
    PurgeNamer* purge_namer = nullptr;
  };
  /// What one event loop works with; all of it belongs to `loop`.
  struct Worker {
    EventLoop* loop;
    GrantEngine* engine;
    SharedStore* shared;
    LeaseManager* leases;
    RateBudget* budget;
  };
  using Done = absl::AnyInvocable<void(Result<AppToken>)>;

  /// The loops and engines must outlive this object, and the loops must be stopped before it ends.
  AppTokenSource(Options options, Dependencies dependencies, std::vector<Worker> workers);
  ~AppTokenSource();

  /// The token's canonical name; computed once per call and handed to the two below.
  std::string KeyOf(const AppTokenRequest& request) const;

  /// Answers from the local cache, at once and without waiting, or not at all. A forced request
  /// never is. `now` is when the call came.
  std::optional<AppToken> Lookup(const AppTokenRequest& request, absl::string_view key,
                                 BootTime now);

  /// Gets the token by way of a flight and calls `done` once, on a loop's thread, at `deadline` at
  /// the latest.
  void Acquire(AppTokenRequest request, std::string key, BootTime deadline, Done done);

  /// One of several tokens that are wanted at once.
  struct Wanted {
    AppTokenRequest request;
    std::string key;
    Done done;
  };
  /// As `Acquire` for each of `wanted`, which looks into the shared cache for all of them in one
  /// round trip per loop.
  void AcquireMany(std::vector<Wanted> wanted, BootTime deadline);

  /// Answers all waiting calls with kDraining, and every later one that would wait. For the end of
  /// a drain.
  void Abandon();

 private:
  struct Lane;
  struct Metrics;

  Lane& LaneFor(absl::string_view key);
  /// None: the request has a place among those that wait.
  std::optional<Error> TurnAway(const AppTokenRequest& request);
  /// Whether a flight still has to look into the shared cache.
  enum class SharedCache { kAsk, kAsked };

  asio::awaitable<void> Serve(Lane& lane, Wanted wanted, BootTime deadline, SharedCache shared);
  asio::awaitable<void> ServeMany(Lane& lane, std::vector<Wanted> wanted, BootTime deadline);
  asio::awaitable<Result<AppToken>> AcquireOnLoop(Lane& lane, AppTokenRequest request,
                                                  std::string key, BootTime deadline,
                                                  SharedCache shared);
  /// For a call that may set no flight off.
  asio::awaitable<Result<AppToken>> ServeOverShare(Lane& lane, AppTokenRequest request,
                                                   std::string key, BootTime deadline,
                                                   SharedCache shared, Error refusal);
  /// A token that nothing purged while it was asked for, and what of purges goes into its record.
  struct Fetched {
    RedeemedToken token;
    PurgeTags purge_tags{};
    std::uint64_t fresh_at = 0;
    /// Purged again and again: for those who wait, and for nobody after them.
    bool purged = false;
  };
  asio::awaitable<Result<Fetched>> Fetch(Lane& lane, const AppTokenRequest& request,
                                         std::shared_ptr<const Grant> grant);
  RecordName NameOf(const AppTokenRequest& request, const std::string& key) const;
  FlightGroup::Body MakeBody(Lane& lane, const AppTokenRequest& request, const std::string& key,
                             RefreshCause cause, SharedCache shared, BootTime deadline);
  asio::awaitable<FlightResult> Fly(Lane& lane, std::shared_ptr<const AppTokenRequest> request,
                                    std::string key, RefreshCause cause, SharedCache shared,
                                    BootTime deadline);
  asio::awaitable<std::shared_ptr<const TokenRecord>> FetchShared(Lane& lane,
                                                                  const AppTokenRequest& request,
                                                                  const std::string& key,
                                                                  BootTime deadline);
  /// Null for what may not be answered any more.
  std::shared_ptr<const TokenRecord> TakeOver(
      const RecordName& name, absl::StatusOr<std::shared_ptr<const TokenRecord>> found);
  /// An answer from the shared cache; sets a refresh off where the record is due.
  AppToken Shared(std::shared_ptr<const TokenRecord> record, const AppTokenRequest& request,
                  const std::string& key);
  Result<std::shared_ptr<const TokenRecord>> StoreResponse(const AppTokenRequest& request,
                                                           const std::string& key, Fetched fetched,
                                                           std::uint64_t generation);
  void LogRefreshFailed(const AppTokenRequest& request, const Error& error);
  void RefreshBehind(const AppTokenRequest& request, absl::string_view key);

  const Options options_;
  const Dependencies deps_;
  std::unique_ptr<Metrics> metrics_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  AuthorityBudget authority_budget_;
  WaitingRoom waiting_;
  std::atomic<bool> abandoned_{false};
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_APP_TOKEN_SOURCE_H_
