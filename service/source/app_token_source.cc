// SPDX-License-Identifier: Apache-2.0
#include "service/source/app_token_source.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/post.hpp"
#include "service/authority/claims.h"
#include "service/grant/client_credentials_grant.h"
#include "service/source/app_token_source_metrics.h"
#include "service/source/cache_key.h"
#include "service/source/call_errors.h"
#include "service/source/shared_lookup.h"

namespace tokensvc {
namespace {

// A call may join a flight just when the caller who began it has used up its share. That happens
// once for each such caller, which begins no other one for a while.
constexpr int kMostFlightsOfOthers = 4;
/// A token that was purged while it was asked for is asked for again, so often: somebody who can
/// write to the shared cache could go on with it for ever.
constexpr int kMaxFetches = 3;

/// Authority, tenant and client id: what an authority throttles by.
std::string ThrottleKey(const AppTokenRequest& request) {
  const Authority& from = *request.registration->authority;
  const std::string& authority = AuthorityIdentity(from);
  return absl::StrCat(static_cast<int>(from.kind), ":", authority.size(), ":", authority,
                      request.tenant.size(), ":", request.tenant, request.registration->client_id);
}

Result<std::shared_ptr<const Grant>> MakeGrant(const AppTokenRequest& request) {
  const Registration& registration = *request.registration;
  Result<std::string> claims = MergeClaims(request.claims_challenge, request.client_claims,
                                           registration.client_capabilities);
  if (!claims.ok()) return std::move(claims).error();
  ClientCredentialsGrant::Params params;
  params.scope = request.scopes.sent();
  params.resource = request.resource;
  params.audience = request.audience;
  params.claims = *std::move(claims);
  params.extra_parameters = request.extra_parameters;
  return std::shared_ptr<const Grant>(std::make_shared<ClientCredentialsGrant>(std::move(params)));
}

}  // namespace

Error Draining() {
  Error error;
  error.code = absl::StatusCode::kUnavailable;
  error.reason = Reason::kDraining;
  error.message = "this replica is shutting down; call again, another one answers";
  error.retry_after = absl::ZeroDuration();
  return error;
}

/// What belongs to one event loop.
struct AppTokenSource::Lane {
  explicit Lane(Worker worker)
      : loop(*worker.loop),
        engine(*worker.engine),
        shared(*worker.shared),
        leases(*worker.leases),
        budget(*worker.budget),
        flights(loop.context().get_executor()) {}
  /// Where the tokens that `request` asks for are shared.
  SharedStore& SharedFor(const AppTokenRequest& request) {
    if (ProfileOf(*request.registration->authority).shares_tokens) return shared;
    return not_shared;
  }
  EventLoop& loop;
  GrantEngine& engine;
  SharedStore& shared;
  NoSharedStore not_shared;
  LeaseManager& leases;
  RateBudget& budget;
  FlightGroup flights;
};

AppTokenSource::AppTokenSource(Options options, Dependencies dependencies,
                               std::vector<Worker> workers)
    : options_(std::move(options)),
      deps_(dependencies),
      metrics_(std::make_unique<Metrics>(dependencies.metrics)),
      authority_budget_(options_.authority_budget, dependencies.metrics),
      waiting_(options_.max_waiting_calls) {
  for (const Worker& worker : workers) lanes_.push_back(std::make_unique<Lane>(worker));
  deps_.metrics.AddComputed("tokensvc_waiting_calls", "Calls that wait for a flight.",
                            [this] { return static_cast<double>(waiting_.size()); });
  deps_.metrics.AddComputed("tokensvc_remembered_failures", "Failures that are remembered.",
                            [this] { return static_cast<double>(deps_.failures.size()); });
}

AppTokenSource::~AppTokenSource() = default;

std::string AppTokenSource::KeyOf(const AppTokenRequest& request) const {
  return AppTokenCacheKey(options_.keyspace, request);
}

AppTokenSource::Lane& AppTokenSource::LaneFor(absl::string_view key) {
  return *lanes_[absl::HashOf(key) % lanes_.size()];
}

std::optional<AppToken> AppTokenSource::Lookup(const AppTokenRequest& request,
                                               absl::string_view key, BootTime now) {
  if (request.forced()) return std::nullopt;
  LocalCache::Hit hit = deps_.cache.Lookup(key, now);
  if (hit.record == nullptr) {
    metrics_->misses.Increment();
    return std::nullopt;
  }
  metrics_->local_hits.Increment();
  if (hit.refresh_claimed) RefreshBehind(request, key);
  AppToken token;
  token.cause = now >= hit.record->due() ? RefreshCause::kProactive : RefreshCause::kNone;
  token.record = std::move(hit.record);
  return token;
}

void AppTokenSource::RefreshBehind(const AppTokenRequest& request, absl::string_view key) {
  if (abandoned_.load()) return;
  metrics_->refreshes.Increment();
  Lane& lane = LaneFor(key);
  AppTokenRequest of_nobody = request;
  of_nobody.caller.clear();
  asio::post(
      lane.loop.context(), [this, &lane, of_nobody = std::move(of_nobody), key = std::string(key)] {
        lane.flights.StartInBackground(key, MakeBody(lane, of_nobody, key, RefreshCause::kProactive,
                                                     SharedCache::kAsk, BootTime::max()));
      });
}

std::optional<Error> AppTokenSource::TurnAway(const AppTokenRequest& request) {
  switch (waiting_.Enter(PartitionOf(request), request.caller, request.concurrent_calls)) {
    case WaitingRoom::Entry::kEntered:
      return std::nullopt;
    case WaitingRoom::Entry::kCallerFull:
      metrics_->turned_away_by_caller.Increment();
      return TooManyOfOneCaller();
    case WaitingRoom::Entry::kFull:
    case WaitingRoom::Entry::kTenantFull:
      break;
  }
  metrics_->turned_away.Increment();
  return Overloaded();
}

void AppTokenSource::Acquire(AppTokenRequest request, std::string key, BootTime deadline,
                             Done done) {
  if (abandoned_.load()) return done(Draining());
  if (std::optional<Error> refusal = TurnAway(request)) return done(*std::move(refusal));
  Lane& lane = LaneFor(key);
  Wanted wanted{std::move(request), std::move(key), std::move(done)};
  asio::post(lane.loop.context(), [this, &lane, wanted = std::move(wanted), deadline]() mutable {
    asio::co_spawn(lane.loop.context(), Serve(lane, std::move(wanted), deadline, SharedCache::kAsk),
                   asio::detached);
  });
}

void AppTokenSource::AcquireMany(std::vector<Wanted> wanted, BootTime deadline) {
  std::vector<std::vector<Wanted>> of_lane(lanes_.size());
  for (Wanted& each : wanted) {
    if (abandoned_.load()) {
      each.done(Draining());
    } else if (std::optional<Error> refusal = TurnAway(each.request)) {
      each.done(*std::move(refusal));
    } else {
      of_lane[absl::HashOf(each.key) % lanes_.size()].push_back(std::move(each));
    }
  }
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (of_lane[i].empty()) continue;
    Lane& lane = *lanes_[i];
    asio::post(lane.loop.context(), [this, &lane, all = std::move(of_lane[i]), deadline]() mutable {
      asio::co_spawn(lane.loop.context(), ServeMany(lane, std::move(all), deadline),
                     asio::detached);
    });
  }
}

asio::awaitable<void> AppTokenSource::ServeMany(Lane& lane, std::vector<Wanted> wanted,
                                                BootTime deadline) {
  std::vector<RecordName> names;
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].request.forced() || &lane.SharedFor(wanted[i].request) != &lane.shared) continue;
    names.push_back(NameOf(wanted[i].request, wanted[i].key));
    asked.push_back(i);
  }
  if (!names.empty()) {
    std::vector<RecordName> to_look_up = names;
    SharedRecords found =
        co_await LookUpShared(lane.shared, std::move(to_look_up), deadline, deps_.clock.Boot());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      std::shared_ptr<const TokenRecord> record = TakeOver(names[i], std::move(found[i]));
      if (record == nullptr) continue;
      Wanted& each = wanted[asked[i]];
      AppToken token = Shared(std::move(record), each.request, each.key);
      waiting_.Leave(names[i].partition, each.request.caller);
      each.done(std::move(token));
      each.done = nullptr;
    }
  }
  for (Wanted& each : wanted) {
    if (each.done == nullptr) continue;
    const SharedCache shared = each.request.forced() ? SharedCache::kAsk : SharedCache::kAsked;
    asio::co_spawn(lane.loop.context(), Serve(lane, std::move(each), deadline, shared),
                   asio::detached);
  }
}

asio::awaitable<void> AppTokenSource::Serve(Lane& lane, Wanted wanted, BootTime deadline,
                                            SharedCache shared) {
  const std::string partition = PartitionOf(wanted.request);
  const std::string caller = wanted.request.caller;
  Result<AppToken> result = co_await AcquireOnLoop(lane, std::move(wanted.request),
                                                   std::move(wanted.key), deadline, shared);
  waiting_.Leave(partition, caller);
  wanted.done(std::move(result));
}

asio::awaitable<Result<AppToken>> AppTokenSource::AcquireOnLoop(Lane& lane, AppTokenRequest request,
                                                                std::string key, BootTime deadline,
                                                                SharedCache shared) {
  RefreshCause cause = RefreshCause::kForced;
  if (!request.forced()) {
    // A flight may have ended between the caller's look-up and here.
    LocalCache::Hit hit = deps_.cache.Lookup(key, deps_.clock.Boot());
    if (hit.record != nullptr) {
      if (hit.refresh_claimed) RefreshBehind(request, key);
      co_return AppToken{std::move(hit.record), FoundIn::kLocalCache, RefreshCause::kNone};
    }
    cause = hit.expired ? RefreshCause::kExpired : RefreshCause::kNoCachedToken;
  }
  const std::string flight_key =
      request.forced() ? ForcedFlightKey(key, request.claims_challenge) : key;
  const FlightGroup::Join join =
      request.forced() ? FlightGroup::Join::kNext : FlightGroup::Join::kRunning;
  const auto until = std::chrono::steady_clock::now() +
                     std::max(deadline - deps_.clock.Boot(), BootClock::duration::zero());

  std::optional<FlightResult> flown;
  for (int tries = 0; tries < kMostFlightsOfOthers; ++tries) {
    if (std::optional<Error> refusal = authority_budget_.OverShare(lane.budget, request)) {
      co_return co_await ServeOverShare(lane, std::move(request), std::move(key), deadline, shared,
                                        *std::move(refusal));
    }
    FlightGroup::Body body = MakeBody(lane, request, key, cause, shared, deadline);
    flown = co_await lane.flights.Wait(flight_key, join, std::move(body), until);
    if (!flown.has_value() || !flown->ok() || !(*flown)->refused_to_first.has_value()) break;
  }
  if (!flown.has_value()) {
    // The token may be there already, and only the shared cache keeps the flight.
    const BootTime now = deps_.clock.Boot();
    std::shared_ptr<const TokenRecord> here = request.forced() ? nullptr : deps_.cache.Peek(key);
    if (here != nullptr && now < here->usable_until()) {
      co_return AppToken{std::move(here), FoundIn::kAuthority, cause};
    }
    co_return abandoned_.load() ? Draining() : DeadlineCame();
  }
  if (!flown->ok()) co_return std::move(*flown).error();
  if ((*flown)->refused_to_first.has_value()) co_return *(*flown)->refused_to_first;
  if ((*flown)->from_shared_cache) co_return Shared(std::move((*flown)->record), request, key);
  co_return AppToken{std::move((*flown)->record), FoundIn::kAuthority, cause};
}

asio::awaitable<Result<AppToken>> AppTokenSource::ServeOverShare(Lane& lane,
                                                                 AppTokenRequest request,
                                                                 std::string key, BootTime deadline,
                                                                 SharedCache shared,
                                                                 Error refusal) {
  if (request.forced() || shared == SharedCache::kAsked) co_return refusal;
  std::shared_ptr<const TokenRecord> record = co_await FetchShared(lane, request, key, deadline);
  if (record == nullptr) co_return refusal;
  co_return Shared(std::move(record), request, key);
}

FlightGroup::Body AppTokenSource::MakeBody(Lane& lane, const AppTokenRequest& request,
                                           const std::string& key, RefreshCause cause,
                                           SharedCache shared, BootTime deadline) {
  return [this, &lane, kept = std::make_shared<const AppTokenRequest>(request), key, cause, shared,
          deadline] { return Fly(lane, kept, key, cause, shared, deadline); };
}

asio::awaitable<FlightResult> AppTokenSource::Fly(Lane& lane,
                                                  std::shared_ptr<const AppTokenRequest> request,
                                                  std::string key, RefreshCause cause,
                                                  SharedCache shared_cache, BootTime deadline) {
  metrics_->flights.Increment();
  FlightOutcome outcome;
  if (!request->forced() && shared_cache == SharedCache::kAsk) {
    outcome.record = co_await FetchShared(lane, *request, key, deadline);
    // One that is due is as good as a local one that is: answered, and refreshed behind the answer.
    // Only who is here to refresh goes on.
    const bool settled = outcome.record != nullptr && (cause != RefreshCause::kProactive ||
                                                       deps_.clock.Boot() < outcome.record->due());
    outcome.from_shared_cache = settled;
    if (settled) co_return outcome;
  }

  const std::string throttle_key = ThrottleKey(*request);
  // What becomes of a claims challenge depends on who brought it: it is filed apart, so that no
  // caller's challenge decides over the plain calls of the others.
  const std::string failure_key =
      request->claims_challenge.empty() ? key : ForcedFlightKey(key, request->claims_challenge);
  const FailureMemory::Keys keys{throttle_key, failure_key};
  if (auto open = deps_.failures.Check(keys, request->forced(), deps_.clock.Boot())) {
    metrics_->failed_fast.Increment();
    co_return std::move(*open);
  }
  Result<std::shared_ptr<const Grant>> grant = MakeGrant(*request);
  if (!grant.ok()) co_return std::move(grant).error();

  const AuthorityBudget::Permission permission =
      co_await authority_budget_.Acquire(lane.budget, lane.leases, request, key);
  const Lease& lease = permission.lease;
  if (permission.refusal.has_value()) {
    if (cause == RefreshCause::kProactive) LogRefreshFailed(*request, *permission.refusal);
    co_await lane.leases.Release(key, lease);
    // A token that is due is still a token.
    outcome.from_shared_cache = outcome.record != nullptr;
    if (outcome.record == nullptr && !permission.of_caller) co_return *permission.refusal;
    if (outcome.record == nullptr) outcome.refused_to_first = permission.refusal;
    co_return outcome;
  }
  Result<Fetched> fetched = co_await Fetch(lane, *request, *grant);
  RecordName name = NameOf(*request, key);
  if (fetched.ok()) name.credential = fetched->token.credential;
  const bool shareable = fetched.ok() && !fetched->purged;
  Result<std::shared_ptr<const TokenRecord>> stored =
      fetched.ok() ? StoreResponse(*request, key, *std::move(fetched), lease.generation)
                   : Result<std::shared_ptr<const TokenRecord>>(std::move(fetched).error());
  if (stored.ok()) {
    deps_.failures.Forget(keys);
    deps_.failures.Forget({throttle_key, key});
    outcome.record = *stored;
    // A shared cache that can't take it is the next replica's loss of a request, not this call's
    // failure.
    if (shareable) {
      const absl::Status shared =
          co_await lane.SharedFor(*request).Put(std::move(name), outcome.record);
      if (!shared.ok()) metrics_->shared_failures.Increment();
    }
  } else {
    deps_.failures.Remember(keys, request->forced(), stored.error(), deps_.random.Uniform(),
                            deps_.clock.Boot());
    if (cause == RefreshCause::kProactive) LogRefreshFailed(*request, stored.error());
  }
  co_await lane.leases.Release(key, lease);
  if (!stored.ok()) co_return std::move(stored).error();
  co_return outcome;
}

void AppTokenSource::LogRefreshFailed(const AppTokenRequest& request, const Error& error) {
  deps_.logger.Warning("proactive_refresh_failed", {{"registration", request.registration->name},
                                                    {"tenant", request.tenant},
                                                    {"reason", ReasonName(error.reason)},
                                                    {"correlation_id", request.correlation_id}});
}

asio::awaitable<Result<AppTokenSource::Fetched>> AppTokenSource::Fetch(
    Lane& lane, const AppTokenRequest& request, std::shared_ptr<const Grant> grant) {
  ScopeNames scopes[3];
  if (deps_.purges != nullptr) {
    scopes[0] = deps_.purge_namer->NamesOf({PurgeKind::kRegistration, request.registration->name});
    scopes[1] = deps_.purge_namer->NamesOf({PurgeKind::kTenant, PartitionOf(request)});
  }
  for (int fetch = 1;; ++fetch) {
    Fetched fetched;
    // What is purged from here on does not cover what is asked for from here on.
    if (deps_.purges != nullptr) fetched.fresh_at = deps_.purges->changes();
    GrantContext context{request.correlation_id, request.trace_id};
    Result<RedeemedToken> redeemed = co_await lane.engine.Redeem(
        request.registration, request.tenant, grant, std::move(context));
    if (!redeemed.ok()) co_return std::move(redeemed).error();
    fetched.token = *std::move(redeemed);
    if (deps_.purges == nullptr) co_return fetched;
    scopes[2] = deps_.purge_namer->NamesOf({PurgeKind::kCredential, fetched.token.credential});
    for (std::size_t i = 0; i < fetched.purge_tags.size(); ++i) {
      fetched.purge_tags[i] = PurgeEpochs::TagOf(scopes[i]);
    }
    fetched.purged = deps_.purges->ChangedSince(fetched.purge_tags, fetched.fresh_at);
    if (!fetched.purged || fetch == kMaxFetches) co_return fetched;
    metrics_->purged_flights.Increment();
  }
}

RecordName AppTokenSource::NameOf(const AppTokenRequest& request, const std::string& key) const {
  return {key, PartitionOf(request), request.registration->name, ""};
}

asio::awaitable<std::shared_ptr<const TokenRecord>> AppTokenSource::FetchShared(
    Lane& lane, const AppTokenRequest& request, const std::string& key, BootTime deadline) {
  const RecordName name = NameOf(request, key);
  std::vector<RecordName> names(1, name);
  SharedRecords found = co_await LookUpShared(lane.SharedFor(request), std::move(names), deadline,
                                              deps_.clock.Boot());
  co_return TakeOver(name, std::move(found[0]));
}

std::shared_ptr<const TokenRecord> AppTokenSource::TakeOver(
    const RecordName& name, absl::StatusOr<std::shared_ptr<const TokenRecord>> found) {
  if (!found.ok()) metrics_->shared_failures.Increment();
  if (!found.ok() || *found == nullptr) return nullptr;
  std::shared_ptr<const TokenRecord> standing =
      deps_.cache.Store(name.key, name.partition, *std::move(found));
  return deps_.clock.Boot() < standing->usable_until() ? standing : nullptr;
}

AppToken AppTokenSource::Shared(std::shared_ptr<const TokenRecord> record,
                                const AppTokenRequest& request, const std::string& key) {
  metrics_->shared_hits.Increment();
  const BootTime now = deps_.clock.Boot();
  AppToken token{std::move(record), FoundIn::kSharedCache, RefreshCause::kNoCachedToken};
  if (now < token.record->due()) return token;
  token.cause = RefreshCause::kProactive;
  if (deps_.cache.Lookup(key, now).refresh_claimed) RefreshBehind(request, key);
  return token;
}

Result<std::shared_ptr<const TokenRecord>> AppTokenSource::StoreResponse(
    const AppTokenRequest& request, const std::string& key, Fetched fetched,
    std::uint64_t generation) {
  RedeemedToken& redeemed = fetched.token;
  TokenResponse& response = redeemed.response;
  const BootTime now = deps_.clock.Boot();
  TokenTimes times = ComputeTokenTimes(options_.freshness, response.expires_in, response.refresh_in,
                                       deps_.random.Uniform());
  const BootTime usable_until = redeemed.requested_at + ToNanos(times.usable_for);
  if (now >= usable_until) return CameTooLate();
  const absl::Time requested_at = deps_.clock.Now() - absl::FromChrono(now - redeemed.requested_at);

  const std::shared_ptr<const TokenRecord> cached = deps_.cache.Peek(key);
  if (cached != nullptr && cached->HasToken(response.access_token)) {
    metrics_->same_token.Increment();
    const absl::Duration age = absl::FromChrono(now - redeemed.requested_at);
    const absl::Duration left = times.usable_for - age;
    times.refresh_after =
        std::min(times.usable_for, age + std::max(options_.freshness.same_token_wait,
                                                  options_.freshness.same_token_share * left));
  }

  TokenRecord::Fields fields;
  fields.token = response.access_token.Reveal();
  if (response.scope.has_value()) {
    fields.granted_scopes = *response.scope;
  } else if (ProfileOf(*request.registration->authority).absent_scope_means_requested) {
    fields.granted_scopes = request.scopes.sent();
  }
  fields.expires_at = requested_at + times.expires_in;
  fields.refresh_at = requested_at + times.refresh_after;
  fields.usable_until = usable_until;
  fields.due = redeemed.requested_at + ToNanos(times.refresh_after);
  fields.generation = generation;
  fields.purge_tags = fetched.purge_tags;
  fields.fresh_at = fetched.fresh_at;
  std::shared_ptr<const TokenRecord> record = TokenRecord::Make(fields);
  if (fetched.purged) return record;
  std::shared_ptr<const TokenRecord> standing =
      deps_.cache.Store(key, PartitionOf(request), record);
  // A forced request gets the token that was fetched for it; the others share what stands.
  return request.forced() || now >= standing->usable_until() ? record : standing;
}

void AppTokenSource::Abandon() {
  abandoned_.store(true);
  for (const auto& lane : lanes_) {
    asio::post(lane->loop.context(), [&flights = lane->flights] { flights.Abandon(); });
  }
}

}  // namespace tokensvc
