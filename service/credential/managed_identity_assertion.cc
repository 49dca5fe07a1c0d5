// SPDX-License-Identifier: Apache-2.0
#include "service/credential/managed_identity_assertion.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/use_awaitable.hpp"
#include "service/jose/unverified_jwt.h"

namespace tokensvc {
namespace {

constexpr absl::Duration kRefusalMemory = absl::Seconds(10);
constexpr absl::Duration kFirstBackoff = absl::Seconds(1);
constexpr absl::Duration kMaxBackoff = absl::Seconds(60);

/// An assertion has to reach the authority, and to be good for a while when it is looked at there.
constexpr absl::Duration kLastMoments = absl::Minutes(5);
constexpr double kLastShare = 0.10;

constexpr absl::Duration kLongLife = absl::Hours(2);
constexpr double kRefreshShare = 0.50;
constexpr absl::Duration kRefreshAhead = absl::Minutes(5);
constexpr double kRefreshAheadShare = 0.20;
constexpr double kJitterShare = 0.10;

absl::Duration RefreshAfter(absl::Duration life, double jitter) {
  absl::Duration after = kRefreshShare * life;
  if (life <= kLongLife) {
    after = std::max(after, life - std::max(kRefreshAhead, kRefreshAheadShare * life));
  }
  return after * (1.0 + kJitterShare * (2.0 * jitter - 1.0));
}

bool IsRefusal(const Error& error) {
  return error.reason == Reason::kRegistrationMisconfigured ||
         error.reason == Reason::kScopeNotAccepted;
}

absl::Status ToStatus(const Error& error) {
  return IsRefusal(error) ? absl::FailedPreconditionError(error.message)
                          : absl::UnavailableError(error.message);
}

}  // namespace

struct ManagedIdentityAssertion::Flight {
  explicit Flight(const asio::any_io_executor& executor)
      : timer(executor, asio::steady_timer::time_point::max()) {}
  asio::steady_timer timer;
  bool finished = false;
};

ManagedIdentityAssertion::ManagedIdentityAssertion(Dependencies dependencies,
                                                   std::shared_ptr<const ManagedIdentity> identity,
                                                   std::string audience)
    : deps_(std::move(dependencies)),
      identity_(std::move(identity)),
      audience_(std::move(audience)) {}

ManagedIdentityAssertion::~ManagedIdentityAssertion() = default;

std::optional<absl::Time> ManagedIdentityAssertion::expires_at() const {
  MutexLock lock(&mutex_);
  return expires_at_;
}

asio::awaitable<absl::StatusOr<ManagedIdentityAssertion::Value>> ManagedIdentityAssertion::Get() {
  asio::awaitable<absl::StatusOr<Value>> at_home = GetAtHome(shared_from_this());
  auto answer = asio::co_spawn(deps_.home, std::move(at_home), asio::use_awaitable);
  co_return co_await std::move(answer);
}

asio::awaitable<absl::StatusOr<ManagedIdentityAssertion::Value>>
ManagedIdentityAssertion::GetAtHome(std::shared_ptr<ManagedIdentityAssertion> self) {
  const BootTime now = self->deps_.clock.Boot();
  const bool usable = !self->assertion_.empty() && now < self->usable_until_;
  const bool due = !usable || now >= self->due_;
  const bool blocked = self->failure_.has_value() && now < self->retry_at_;
  std::shared_ptr<Flight> flight = self->flight_.lock();
  if (due && !blocked && flight == nullptr) {
    flight = std::make_shared<Flight>(self->deps_.home);
    self->flight_ = flight;
    asio::co_spawn(self->deps_.home, Fly(self, flight), asio::detached);
  }
  if (!usable && flight != nullptr && !flight->finished) {
    // An error means "woken" here: the end of the flight cancels the wait.
    auto woken = flight->timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    co_await std::move(woken);
  }
  co_return self->Outcome();
}

asio::awaitable<void> ManagedIdentityAssertion::Fly(std::shared_ptr<ManagedIdentityAssertion> self,
                                                    std::shared_ptr<Flight> flight) {
  std::optional<Error> error;
  try {
    Result<ManagedIdentityToken> token =
        co_await self->deps_.client.Ask(self->identity_, self->audience_);
    error = token.ok() ? self->Accept(*std::move(token)) : std::move(token).error();
  } catch (const std::exception&) {
    // Foreign code threw (no memory, say): nobody may wait for this flight for ever.
    error = Error();
  }
  if (error.has_value()) self->Remember(*std::move(error));
  flight->finished = true;
  flight->timer.cancel();
  self->flight_.reset();
}

std::optional<Error> ManagedIdentityAssertion::Accept(ManagedIdentityToken token) {
  const absl::StatusOr<UnverifiedJwt> jwt = ReadUnverifiedJwt(token.token.Reveal());
  if (!jwt.ok()) {
    return AuthorityResponseInvalid("the managed identity's token is no signed JWT",
                                    kDefaultRetryAfter);
  }
  const BootTime now = deps_.clock.Boot();
  const absl::Duration age = absl::FromChrono(now - token.requested_at);
  // Of what the platform says and what the token itself says, the earlier.
  const absl::Duration life = std::min(token.expires_in, jwt->expires_at - deps_.clock.Now() + age);
  const absl::Duration usable_for = life - std::min(kLastMoments, kLastShare * life);
  if (usable_for <= age) {
    return AuthorityUnavailable("the managed identity's token has expired, or is about to",
                                kDefaultRetryAfter);
  }
  usable_until_ = token.requested_at + ToNanos(usable_for);
  due_ = token.requested_at +
         ToNanos(std::min(RefreshAfter(life, deps_.random.Uniform()), usable_for));
  failure_.reset();
  backoff_ = absl::ZeroDuration();
  if (!(assertion_ == token.token)) version_.fetch_add(1, std::memory_order_acq_rel);
  assertion_ = std::move(token.token);
  MutexLock lock(&mutex_);
  expires_at_ = deps_.clock.Now() + life - age;
  return std::nullopt;
}

void ManagedIdentityAssertion::Remember(Error error) {
  absl::Duration wait = kRefusalMemory;
  if (!IsRefusal(error)) {
    backoff_ = std::clamp<absl::Duration>(2 * backoff_, kFirstBackoff, kMaxBackoff);
    wait = backoff_;
    if (error.authority_said_when) wait = std::max(wait, *error.retry_after);
  }
  retry_at_ = deps_.clock.Boot() + ToNanos(wait);
  failure_ = std::move(error);
}

absl::StatusOr<ManagedIdentityAssertion::Value> ManagedIdentityAssertion::Outcome() const {
  if (!assertion_.empty() && deps_.clock.Boot() < usable_until_) {
    Value value;
    value.assertion = assertion_.Clone();
    value.version = version();
    return value;
  }
  return failure_.has_value() ? ToStatus(*failure_)
                              : absl::UnavailableError("the managed identity has no token yet");
}

std::shared_ptr<ManagedIdentityAssertion> ManagedIdentityAssertions::For(
    const std::string& name, std::shared_ptr<const ManagedIdentity> identity,
    std::string audience) {
  MutexLock lock(&mutex_);
  for (auto each = used_.begin(); each != used_.end();) {
    each = each->second.expired() && each->first != name ? used_.erase(each) : std::next(each);
  }
  std::weak_ptr<ManagedIdentityAssertion>& slot = used_[name];
  std::shared_ptr<ManagedIdentityAssertion> assertion = slot.lock();
  if (assertion == nullptr) {
    assertion =
        std::make_shared<ManagedIdentityAssertion>(deps_, std::move(identity), std::move(audience));
    slot = assertion;
  }
  return assertion;
}

}  // namespace tokensvc
