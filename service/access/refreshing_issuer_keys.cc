// SPDX-License-Identifier: Apache-2.0
#include "service/access/refreshing_issuer_keys.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/post.hpp"
#include "asio/use_awaitable.hpp"

namespace tokensvc {
namespace {

Counter& AddMetric(MetricRegistry& registry, const char* result) {
  return registry.AddCounter("tokensvc_issuer_keys_loads_total",
                             "Times that the keys of a JWT issuer were read or could not be, by "
                             "result.",
                             {{"result", result}});
}

}  // namespace

IssuerKeysPolicy IssuerKeysPolicy::ForFile() {
  IssuerKeysPolicy policy;
  policy.refresh_after = policy.min_refresh_after = policy.min_interval = absl::Seconds(1);
  policy.first_backoff = policy.max_backoff = absl::Seconds(1);
  // A file that nobody writes any more is still the operator's word.
  policy.max_age = absl::InfiniteDuration();
  return policy;
}

IssuerKeysMetrics::IssuerKeysMetrics(MetricRegistry& registry)
    : loaded(AddMetric(registry, "ok")), failed(AddMetric(registry, "failed")) {}

RefreshingIssuerKeys::RefreshingIssuerKeys(std::string issuer_name,
                                           std::unique_ptr<JwkSetSource> source,
                                           IssuerKeysPolicy policy, const Environment& environment)
    : issuer_name_(std::move(issuer_name)),
      source_(std::move(source)),
      policy_(policy),
      environment_(environment) {}

std::shared_ptr<RefreshingIssuerKeys> RefreshingIssuerKeys::Create(
    std::string issuer_name, std::unique_ptr<JwkSetSource> source, IssuerKeysPolicy policy,
    const Environment& environment, std::optional<JwkSet> first) {
  std::shared_ptr<RefreshingIssuerKeys> keys(
      new RefreshingIssuerKeys(std::move(issuer_name), std::move(source), policy, environment));
  if (first.has_value()) {
    JwkSetSource::Loaded loaded;
    loaded.keys = std::move(first);
    keys->Accept(std::move(loaded), environment.clock.Boot());
  }
  return keys;
}

IssuerKeys::Snapshot RefreshingIssuerKeys::InForce(BootTime now) const {
  if (keys_ == nullptr || now - loaded_at_ >= ToNanos(policy_.max_age)) return nullptr;
  return keys_;
}

bool RefreshingIssuerKeys::IsDifferent(const Snapshot& current, const Snapshot& seen) const {
  return current != nullptr && (seen == nullptr || current->digest() != seen->digest());
}

IssuerKeys::Snapshot RefreshingIssuerKeys::Current() {
  const BootTime now = environment_.clock.Boot();
  Snapshot current;
  bool look = false;
  {
    MutexLock lock(&mutex_);
    current = InForce(now);
    const bool due = current == nullptr || now >= refresh_at_;
    look = due && !look_requested_ && now >= not_before_;
    if (look) look_requested_ = true;
  }
  if (look) asio::post(environment_.loop, [self = shared_from_this()] { self->JoinOrStart(); });
  return current;
}

void RefreshingIssuerKeys::WaitForNewer(Snapshot seen, absl::Duration at_most, Done done) {
  const BootTime now = environment_.clock.Boot();
  Snapshot current;
  bool hopeless = false;
  {
    MutexLock lock(&mutex_);
    current = InForce(now);
    hopeless = !look_requested_ && now < not_before_;
  }
  if (hopeless || at_most <= absl::ZeroDuration() || IsDifferent(current, seen)) {
    done(std::move(current));
    return;
  }
  if (waiting_.fetch_add(1) >= policy_.max_waiting) {
    waiting_.fetch_sub(1);
    done(std::move(current));
    return;
  }
  asio::co_spawn(environment_.loop,
                 Wait(shared_from_this(), std::move(seen), at_most, std::move(done)),
                 asio::detached);
}

asio::awaitable<void> RefreshingIssuerKeys::Wait(std::shared_ptr<RefreshingIssuerKeys> self,
                                                 Snapshot seen, absl::Duration at_most, Done done) {
  if (!self->IsDifferent(self->Current(), seen)) {
    const std::shared_ptr<Flight> flight = self->JoinOrStart();
    if (flight != nullptr && !flight->finished) {
      const auto timer = std::make_shared<asio::steady_timer>(self->environment_.loop);
      timer->expires_after(ToNanos(std::min(at_most, absl::Hours(1))));
      flight->waiters.push_back(timer);
      // Woken by the end of the flight, or by the timer; both will do.
      auto woken = timer->async_wait(asio::experimental::as_tuple(asio::use_awaitable));
      co_await std::move(woken);
    }
  }
  self->waiting_.fetch_sub(1);
  done(self->Current());
}

std::shared_ptr<RefreshingIssuerKeys::Flight> RefreshingIssuerKeys::JoinOrStart() {
  std::shared_ptr<Flight> flight = flight_.lock();
  if (flight != nullptr && !flight->finished) return flight;
  {
    MutexLock lock(&mutex_);
    look_requested_ = environment_.clock.Boot() >= not_before_;
    if (!look_requested_) return nullptr;
  }
  flight = std::make_shared<Flight>();
  flight_ = flight;
  asio::co_spawn(environment_.loop, Look(shared_from_this(), flight), asio::detached);
  return flight;
}

asio::awaitable<void> RefreshingIssuerKeys::Look(std::shared_ptr<RefreshingIssuerKeys> self,
                                                 std::shared_ptr<Flight> flight) {
  Result<JwkSetSource::Loaded> result = Error();
  try {
    auto pending = self->source_->Load();
    result = co_await std::move(pending);
  } catch (const std::exception&) {
    // Foreign code threw; waiters must not wait for ever.
    result = Error();
  }
  self->TakeOver(std::move(result));
  flight->finished = true;
  for (const auto& timer : flight->waiters) timer->cancel();
}

void RefreshingIssuerKeys::TakeOver(Result<JwkSetSource::Loaded> result) {
  const BootTime now = environment_.clock.Boot();
  if (result.ok()) {
    backoff_ = absl::ZeroDuration();
    Accept(std::move(result).value(), now);
    return;
  }
  backoff_ = std::clamp<absl::Duration>(backoff_ * 2, policy_.first_backoff, policy_.max_backoff);
  Report(&result.error(), nullptr);
  MutexLock lock(&mutex_);
  // With keys at hand, strangers' tokens must not make us ask more often than when all is well.
  const bool have = InForce(now) != nullptr;
  not_before_ = now + ToNanos(have ? std::max(backoff_, policy_.min_interval) : backoff_);
  look_requested_ = false;
}

void RefreshingIssuerKeys::Accept(JwkSetSource::Loaded loaded, BootTime now) {
  const absl::Duration fresh_for =
      std::clamp<absl::Duration>(loaded.fresh_for.value_or(policy_.refresh_after),
                                 policy_.min_refresh_after, policy_.refresh_after);
  Snapshot changed;
  if (loaded.keys.has_value()) changed = std::make_shared<const JwkSet>(*std::move(loaded.keys));
  const bool looked = loaded.keys.has_value();
  {
    MutexLock lock(&mutex_);
    // Equal keys stay the same object, and what was verified by them stays good.
    if (changed != nullptr && keys_ != nullptr && changed->digest() == keys_->digest()) {
      changed = nullptr;
    }
    if (changed != nullptr) keys_ = changed;
    loaded_at_ = now;
    refresh_at_ = now + ToNanos(fresh_for);
    not_before_ = now + ToNanos(policy_.min_interval);
    look_requested_ = false;
  }
  if (looked) Report(nullptr, changed.get());
}

void RefreshingIssuerKeys::Report(const Error* error, const JwkSet* changed) {
  if (error != nullptr) {
    environment_.metrics.failed.Increment();
    // An issuer that is down would fill the log. The message is ours alone (see `Error`).
    if (error->message == last_failure_) return;
    last_failure_ = error->message;
    environment_.logger.Warning("issuer_keys_failed", {{"issuer", issuer_name_},
                                                       {"reason", ReasonName(error->reason)},
                                                       {"detail", error->message}});
    return;
  }
  environment_.metrics.loaded.Increment();
  const bool recovered = !last_failure_.empty();
  last_failure_.clear();
  if (changed == nullptr && !recovered) return;
  if (changed == nullptr) {
    environment_.logger.Info("issuer_keys_loaded", {{"issuer", issuer_name_}, {"changed", false}});
    return;
  }
  environment_.logger.Info("issuer_keys_loaded",
                           {{"issuer", issuer_name_},
                            {"changed", true},
                            {"keys", static_cast<int>(changed->keys().size())},
                            {"passed_over", static_cast<int>(changed->skipped())}});
}

}  // namespace tokensvc
