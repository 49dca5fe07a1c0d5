// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/admission.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "service/access/grant_names.h"
#include "service/authority/authority.h"
#include "service/grant/registration.h"
#include "tokensvc/v1/token_service.pb.h"

namespace tokensvc {
namespace {

/// The fields that every request for an app token has, by the same names.
template <class Request>
AppTokenParams ParamsOf(const Request& request) {
  AppTokenParams params;
  params.tenant = request.tenant();
  params.scopes.assign(request.scopes().begin(), request.scopes().end());
  params.resource = request.resource();
  params.audience = request.audience();
  params.claims_challenge = request.claims_challenge();
  params.client_claims = request.client_claims();
  params.force_refresh = request.force_refresh();
  params.correlation_id = request.correlation_id();
  for (const auto& [name, value] : request.extra_parameters()) {
    params.extra_parameters.emplace_back(name, value);
  }
  return params;
}

/// What policy looks at.
AccessRequest AccessOf(const AppTokenRequest& request) {
  AccessRequest access;
  access.registration = request.registration->name;
  access.tenant = request.tenant;
  access.grant = kClientCredentialsGrant;
  access.scopes = request.scopes.canonical();
  access.scopes_have_case =
      ProfileOf(*request.registration->authority).scope_rule == ScopeRule::kOAuth;
  access.names_api = !request.resource.empty() || !request.audience.empty();
  access.forced = request.forced();
  access.client_claims = !request.client_claims.empty();
  return access;
}

Error QuotaExceeded(std::string message, absl::Duration wait) {
  Error error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = Reason::kQuotaExceeded;
  error.message = std::move(message);
  error.retry_after = wait;
  return error;
}

}  // namespace

std::optional<Error> Admission::TakeQuota(const Caller& caller, int calls, BootTime now) const {
  const auto wait = deps_.quotas.Take(caller, *deps_.policy.Get(), calls, now);
  if (!wait.has_value()) return std::nullopt;
  return QuotaExceeded("too many calls by this caller; keep tokens until they are due", *wait);
}

template <class Request>
Result<AppTokenRequest> Admission::Admit(const Caller& caller, const CompiledPolicy& policy,
                                         const Request& request, Verdict* verdict) const {
  verdict->policy = &policy;
  if (request.registration().empty()) {
    return InvalidRequest("registration", "name a client registration of this service");
  }
  if (request.token_type() != v1::TOKEN_TYPE_UNSPECIFIED &&
      request.token_type() != v1::TOKEN_TYPE_BEARER) {
    return InvalidRequest("token_type", "this service issues TOKEN_TYPE_BEARER");
  }
  std::shared_ptr<const Registration> registration = deps_.directory.Find(request.registration());
  if (registration == nullptr) {
    verdict->denied_for = "unknown_registration";
    return AccessDenied();
  }
  if (!policy.MayUse(caller, registration->name)) {
    verdict->denied_for = DenialCauseName(DenialCause::kRegistration);
    return AccessDenied();
  }

  Result<AppTokenRequest> admitted =
      MakeAppTokenRequest(std::move(registration), ParamsOf(request));
  if (!admitted.ok()) {
    if (admitted.error().reason == Reason::kPolicyDenied) verdict->denied_for = "tenant_not_listed";
    return admitted;
  }
  const PolicyDecision decision = policy.Decide(caller, AccessOf(*admitted));
  verdict->rule = decision.rule;
  const auto refused = [&](Error error) {
    verdict->tenant = admitted->tenant;
    verdict->scopes = std::string(admitted->scopes.canonical());
    return error;
  };
  if (!decision.allowed()) {
    verdict->denied_for = DenialCauseName(decision.cause);
    return refused(AccessDenied());
  }

  if (admitted->forced()) {
    if (const auto wait =
            deps_.forced_budget.Take(caller.id, admitted->registration->name, deps_.clock.Boot())) {
      return refused(QuotaExceeded(
          "too many forced refreshes by this caller; force_refresh and claims_challenge are for a "
          "token that a resource has refused, not for every call",
          *wait));
    }
  }
  verdict->allowed = true;
  return admitted;
}

template Result<AppTokenRequest> Admission::Admit(const Caller&, const CompiledPolicy&,
                                                  const v1::AcquireForClientRequest&,
                                                  Verdict*) const;
template Result<AppTokenRequest> Admission::Admit(const Caller&, const CompiledPolicy&,
                                                  const v1::CreateAuthorizationHeaderRequest&,
                                                  Verdict*) const;

void Admission::NameCaller(const Caller& caller, AppTokenRequest& request) const {
  request.caller = caller.id;
  request.concurrent_calls = deps_.quotas.ConcurrentCalls(caller, *deps_.policy.Get());
}

}  // namespace tokensvc
