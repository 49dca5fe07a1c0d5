// SPDX-License-Identifier: Apache-2.0
#include "service/credential/managed_identity_client.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "asio/experimental/as_tuple.hpp"
#include "asio/this_coro.hpp"
#include "asio/use_awaitable.hpp"
#include "service/credential/arc_challenge.h"

namespace tokensvc {
namespace {

Counter& ResultCounter(MetricRegistry& registry, const char* result) {
  return registry.AddCounter(
      "tokensvc_managed_identity_requests_total",
      "Tokens of managed identities that the platform was asked for, by what "
      "came of it after all retries.",
      {{"result", result}});
}

std::string Who(const ManagedIdentity& identity) {
  return absl::StrCat("the managed identity endpoint (", ManagedIdentitySourceName(identity.source),
                      ")");
}

Error Overloaded(std::string message) {
  Error error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = Reason::kOverloaded;
  error.message = std::move(message);
  error.retry_after = absl::Seconds(1);
  return error;
}

/// The text of the status goes to nobody: it names the host.
Error FromTransport(const absl::Status& status, const ManagedIdentity& identity) {
  const std::string who = Who(identity);
  switch (status.code()) {
    case absl::StatusCode::kOutOfRange:
      return AuthorityResponseInvalid(absl::StrCat(who, " sent an answer that is too large"),
                                      kDefaultRetryAfter);
    case absl::StatusCode::kDeadlineExceeded:
      return AuthorityUnavailable(absl::StrCat(who, " did not answer in time"), kDefaultRetryAfter);
    case absl::StatusCode::kResourceExhausted:
      return Overloaded(absl::StrCat("too many requests to ", who, " wait already"));
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kInvalidArgument:
      return RegistrationMisconfigured(absl::StrCat(who, " can't be asked as it is configured"));
    default:
      return AuthorityUnavailable(absl::StrCat(who, " can't be reached"), kDefaultRetryAfter);
  }
}

/// What passes by itself; garbage does not.
bool IsWorthRetrying(const Error& error) {
  return error.reason == Reason::kAuthorityUnavailable || error.reason == Reason::kThrottled;
}

}  // namespace

ManagedIdentityMetrics::ManagedIdentityMetrics(MetricRegistry& registry)
    : token(ResultCounter(registry, "token")),
      refused(ResultCounter(registry, "refused")),
      throttled(ResultCounter(registry, "throttled")),
      unavailable(ResultCounter(registry, "unavailable")),
      invalid(ResultCounter(registry, "invalid")),
      retries(registry.AddCounter("tokensvc_managed_identity_retries_total",
                                  "Requests for tokens of managed identities that were made again "
                                  "after a failure that passes.")) {}

asio::awaitable<Result<ManagedIdentityToken>> ManagedIdentityClient::Ask(
    std::shared_ptr<const ManagedIdentity> identity, std::string resource) {
  const BootTime started = deps_.clock.Boot();
  const SteadyTime until =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(retries_.budget);
  absl::Duration wait = retries_.first_wait;
  Result<ManagedIdentityToken> result = Error();
  int attempt = 1;
  for (;; ++attempt) {
    result = co_await AskOnce(*identity, resource, until);
    if (result.ok() || attempt >= retries_.attempts || !IsWorthRetrying(result.error())) break;
    absl::Duration pause = wait;
    if (result.error().authority_said_when) pause = std::max(pause, *result.error().retry_after);
    const SteadyTime next = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(pause);
    if (next >= until) break;
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, next);
    auto waited = timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    co_await std::move(waited);
    wait *= 2;
    deps_.metrics.retries.Increment();
  }
  Record(*identity, result, attempt, started);
  co_return result;
}

asio::awaitable<Result<ManagedIdentityToken>> ManagedIdentityClient::AskOnce(
    const ManagedIdentity& identity, const std::string& resource, SteadyTime until) {
  Result<Secret> proof = Secret();
  if (identity.source == ManagedIdentitySource::kAppService) {
    proof = co_await AppServiceProof(identity);
  } else if (identity.source == ManagedIdentitySource::kAzureArc) {
    proof = co_await ArcProof(identity, resource, until);
  }
  if (!proof.ok()) co_return std::move(proof).error();
  const absl::Time asked_at = deps_.clock.Now();
  const BootTime requested_at = deps_.clock.Boot();
  const Result<HttpResponse> response = co_await Send(identity, resource, *proof, until);
  if (!response.ok()) co_return response.error();
  Result<ManagedIdentityToken> token =
      ParseManagedIdentityAnswer(identity.source, *response, asked_at);
  if (token.ok()) token->requested_at = requested_at;
  co_return token;
}

asio::awaitable<Result<HttpResponse>> ManagedIdentityClient::Send(const ManagedIdentity& identity,
                                                                  const std::string& resource,
                                                                  const Secret& proof,
                                                                  SteadyTime until) {
  HttpRequest request = MakeManagedIdentityRequest(identity, resource, proof);
  const absl::Duration left = absl::FromChrono(until - std::chrono::steady_clock::now());
  request.timeout = std::min(retries_.attempt_timeout, left);
  absl::StatusOr<HttpResponse> response = co_await deps_.transport.Send(std::move(request));
  if (!response.ok()) co_return FromTransport(response.status(), identity);
  co_return *std::move(response);
}

asio::awaitable<Result<Secret>> ManagedIdentityClient::AppServiceProof(
    const ManagedIdentity& identity) {
  const std::shared_ptr<ReloadingSecret> header = identity.identity_header;
  if (header->CheckIsDue()) {
    auto check = [header]() -> absl::Status {
      header->Check();
      return absl::OkStatus();
    };
    // Where the queue is full, the header at hand will do.
    const absl::Status ignored = co_await deps_.workers.Run(std::move(check));
    ignored.IgnoreError();
  }
  co_return std::move(header->Current().secret);
}

asio::awaitable<Result<Secret>> ManagedIdentityClient::ArcProof(const ManagedIdentity& identity,
                                                                const std::string& resource,
                                                                SteadyTime until) {
  const Secret none;
  const Result<HttpResponse> response = co_await Send(identity, resource, none, until);
  if (!response.ok()) co_return response.error();
  if (response->status == 200) {
    // Whatever hands out tokens without asking for the key is not the agent.
    co_return RegistrationMisconfigured(
        absl::StrCat(Who(identity), " answers without the challenge that it must send first"));
  }
  if (response->status != 401) {
    Result<ManagedIdentityToken> refused =
        ParseManagedIdentityAnswer(identity.source, *response, deps_.clock.Now());
    co_return std::move(refused).error();
  }
  const absl::StatusOr<std::string> name =
      ReadArcChallenge(response->Header("www-authenticate"), identity.key_directory);
  if (!name.ok()) {
    co_return RegistrationMisconfigured(
        absl::StrCat(Who(identity), " is not to be trusted: ", name.status().message()));
  }
  auto read = [directory = identity.key_directory, file = *name]() {
    return ReadArcKey(directory, file);
  };
  absl::StatusOr<Secret> key = co_await deps_.workers.Run(std::move(read));
  if (key.ok()) co_return *std::move(key);
  if (absl::IsResourceExhausted(key.status())) {
    co_return Overloaded("too many files wait to be read in this replica");
  }
  co_return RegistrationMisconfigured(absl::StrCat(
      "the key file of ", Who(identity), " can't be used: ", key.status().message(),
      absl::IsPermissionDenied(key.status()) ? "; its readers are the group himds" : ""));
}

void ManagedIdentityClient::Record(const ManagedIdentity& identity,
                                   const Result<ManagedIdentityToken>& result, int attempts,
                                   BootTime started) {
  Counter* counter = &deps_.metrics.token;
  if (!result.ok()) {
    switch (result.error().reason) {
      case Reason::kThrottled:
        counter = &deps_.metrics.throttled;
        break;
      case Reason::kAuthorityUnavailable:
      case Reason::kOverloaded:
        counter = &deps_.metrics.unavailable;
        break;
      case Reason::kAuthorityResponseInvalid:
        counter = &deps_.metrics.invalid;
        break;
      default:
        counter = &deps_.metrics.refused;
    }
  }
  counter->Increment();
  const LogSeverity severity = result.ok() ? LogSeverity::kInfo : LogSeverity::kWarning;
  if (!deps_.logger.Enabled(severity)) return;
  const absl::Duration took = absl::FromChrono(deps_.clock.Boot() - started);
  deps_.logger.Write(
      severity, "managed_identity_request",
      {{"source", ManagedIdentitySourceName(identity.source)},
       {"result", result.ok() ? absl::string_view("token") : ReasonName(result.error().reason)},
       {"why", result.ok() ? absl::string_view() : absl::string_view(result.error().message)},
       {"attempts", attempts},
       {"duration_ms", absl::ToDoubleMilliseconds(took)}});
}

}  // namespace tokensvc
