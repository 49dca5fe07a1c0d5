// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_purges.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/use_awaitable.hpp"
#include "cache/redis/redis_error.h"
#include "cache/redis/redis_invalidations.h"
#include "cache/redis/redis_purge_set.h"

namespace tokensvc {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kAwait = asio::experimental::as_tuple(asio::use_awaitable);
// Between attempts to write a purge.
constexpr auto kPause = std::chrono::milliseconds(50);
constexpr auto kPauseBeforeRestoring = std::chrono::milliseconds(500);
constexpr absl::Duration kLogInterval = absl::Minutes(1);

/// What is known and greater than what was read.
PurgeState Missing(const PurgeState& known, const PurgeState& read) {
  absl::flat_hash_map<absl::string_view, std::uint64_t> stored;
  stored.reserve(read.epochs.size());
  for (const PurgeEpoch& each : read.epochs) stored[each.name] = each.epoch;
  PurgeState missing;
  if (known.floor > read.floor) missing.floor = known.floor;
  for (const PurgeEpoch& each : known.epochs) {
    const auto found = stored.find(each.name);
    const std::uint64_t there = found == stored.end() ? read.floor : found->second;
    if (each.epoch > there) missing.epochs.push_back(each);
  }
  return missing;
}

}  // namespace

RedisPurgeMetrics::RedisPurgeMetrics(MetricRegistry& registry, const PurgeEpochs& epochs)
    : raised(registry.AddCounter("tokensvc_purges_shared_total",
                                 "Purges of this replica that the shared cache took.")),
      ignored(registry.AddCounter(
          "tokensvc_purge_epochs_ignored_total",
          "Entries of the shared cache's list of purges that no replica can have written, counted "
          "each time that the list is read.")),
      readings(registry.AddCounter("tokensvc_purge_epoch_readings_total",
                                   "How often the shared cache's list of purges was read.")) {
  registry.AddComputed("tokensvc_purge_epochs", "Purged scopes that are remembered.",
                       [&epochs] { return static_cast<double>(epochs.size()); });
  registry.AddComputed("tokensvc_purge_epochs_known",
                       "1 while this replica learns of every purge that reaches the shared cache.",
                       [&epochs] { return epochs.current() ? 1.0 : 0.0; });
}

class RedisPurges::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& context, std::string key, Dependencies dependencies)
      : context_(context), set_(std::move(key)), deps_(std::move(dependencies)), pause_(context) {
    deps_.epochs.SetCurrent(false);
  }

  void Start(RedisOptions redis, const std::string& key) {
    RedisInvalidations::Options options;
    options.prefix = key;
    options.read = set_.ReadCommands();
    RedisInvalidations::Events events;
    events.read = [this](std::vector<RespValue> replies) { return OnRead(replies); };
    events.lost = [this](const absl::Status& cause) { OnLost(cause); };
    invalidations_ = std::make_unique<RedisInvalidations>(
        context_, std::move(redis), std::move(options), std::move(events), deps_.random);
  }

  void Stop() {
    stopped_ = true;
    invalidations_.reset();
    pause_.cancel();
  }

  /// Tries until the deadline, on behalf of `done`, which may have been called by then.
  static asio::awaitable<void> Raise(std::shared_ptr<Impl> self, ScopeNames names,
                                     std::uint64_t at_least, SteadyClock::time_point deadline,
                                     std::shared_ptr<SharedPurges::Done> done,
                                     std::shared_ptr<asio::steady_timer> time_is_up) {
    asio::steady_timer pause(self->context_);
    while (!self->stopped_) {
      ScopeNames to_raise = names;
      absl::StatusOr<std::uint64_t> epoch =
          co_await self->set_.Raise(self->deps_.client, std::move(to_raise), at_least);
      if (self->stopped_) co_return;
      // The script gives out nothing like it: whoever answers so is no Redis of ours, and would
      // keep later purges from being any greater.
      if (epoch.ok() && *epoch > RedisPurgeSet::LastEpoch(self->Now())) epoch = WrongKindOfAnswer();
      if (epoch.ok()) {
        PurgeState raised;
        for (std::string& name : names) raised.epochs.push_back({std::move(name), *epoch});
        self->deps_.epochs.RaiseTo(raised);
        self->deps_.metrics.raised.Increment();
      }
      if (epoch.ok() || SteadyClock::now() + kPause >= deadline) {
        time_is_up->cancel();
        Answer(*done, epoch.status());
        co_return;
      }
      pause.expires_after(kPause);
      co_await pause.async_wait(kAwait);
    }
  }

  asio::io_context& context() { return context_; }
  RedisInvalidations& invalidations() { return *invalidations_; }

  static void Answer(SharedPurges::Done& done, absl::Status status) {
    const SharedPurges::Done once = std::exchange(done, nullptr);
    if (once) once(std::move(status));
  }

 private:
  absl::Time Now() const { return deps_.health.fleet_clock().Estimate(); }

  absl::Status OnRead(const std::vector<RespValue>& replies) {
    const absl::StatusOr<PurgeReading> reading = RedisPurgeSet::Parse(replies, Now());
    if (!reading.ok()) return reading.status();
    deps_.metrics.readings.Increment();
    deps_.metrics.ignored.Increment(static_cast<std::int64_t>(reading->ignored));
    deps_.epochs.RaiseTo(reading->state);
    if (!deps_.epochs.current()) {
      deps_.epochs.SetCurrent(true);
      if (loss_logged_at_.has_value()) deps_.logger.Info("purge_epochs_known");
      deps_.on_change();
    }
    PurgeState missing = Missing(deps_.epochs.Known(), reading->state);
    if (!restoring_ && (missing.floor > 0 || !missing.epochs.empty())) {
      restoring_ = true;
      asio::co_spawn(context_, Restore(shared_from_this(), std::move(missing)), asio::detached);
    }
    return absl::OkStatus();
  }

  static asio::awaitable<void> Restore(std::shared_ptr<Impl> self, PurgeState missing) {
    const absl::Status status = co_await self->set_.Restore(self->deps_.client, std::move(missing));
    if (self->stopped_) co_return;
    if (!status.ok()) {
      self->pause_.expires_after(kPauseBeforeRestoring);
      co_await self->pause_.async_wait(kAwait);
      if (self->stopped_) co_return;
    }
    self->restoring_ = false;
    // Says what is still missing, if anything.
    if (!status.ok()) self->invalidations_->ReadAgain();
  }

  void OnLost(const absl::Status& cause) {
    const bool was_known = deps_.epochs.current();
    deps_.epochs.SetCurrent(false);
    if (const std::optional<RedisRefusal> refusal = RefusalOf(cause)) {
      deps_.health.Refused(refusal->code, refusal->command);
    }
    const BootTime now = deps_.clock.Boot();
    if (!loss_logged_at_.has_value() ||
        (was_known && now - *loss_logged_at_ >= ToNanos(kLogInterval))) {
      loss_logged_at_ = now;
      deps_.logger.Warning("purge_epochs_unknown", {{"cause", std::string(cause.message())}});
    }
    if (was_known) deps_.on_change();
  }

  asio::io_context& context_;
  const RedisPurgeSet set_;
  const Dependencies deps_;
  asio::steady_timer pause_;
  std::unique_ptr<RedisInvalidations> invalidations_;
  bool restoring_ = false;
  bool stopped_ = false;
  std::optional<BootTime> loss_logged_at_;
};

RedisPurges::RedisPurges(asio::io_context& context, RedisOptions redis, std::string key,
                         Dependencies dependencies)
    : impl_(std::make_shared<Impl>(context, key, std::move(dependencies))) {
  impl_->Start(std::move(redis), key);
}

RedisPurges::~RedisPurges() { impl_->Stop(); }

void RedisPurges::ConnectNow() { impl_->invalidations().ConnectNow(); }

void RedisPurges::Raise(ScopeNames names, std::uint64_t at_least, SteadyClock::time_point deadline,
                        SharedPurges::Done done) {
  const auto shared = std::make_shared<SharedPurges::Done>(std::move(done));
  const auto time_is_up = std::make_shared<asio::steady_timer>(impl_->context(), deadline);
  time_is_up->async_wait([shared, time_is_up](asio::error_code cancelled) {
    if (!cancelled) {
      Impl::Answer(*shared, absl::UnavailableError("the shared cache did not take the purge"));
    }
  });
  asio::co_spawn(impl_->context(),
                 Impl::Raise(impl_, std::move(names), at_least, deadline, shared, time_is_up),
                 asio::detached);
}

}  // namespace tokensvc
