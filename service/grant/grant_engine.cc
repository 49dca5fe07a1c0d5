// SPDX-License-Identifier: Apache-2.0
#include "service/grant/grant_engine.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/form_url.h"
#include "service/authority/error_response.h"
#include "service/authority/scope.h"
#include "service/authority/transport_error.h"
#include "service/credential/client_credential.h"

namespace tokensvc {
namespace {

constexpr absl::Duration kLongLife = absl::Hours(2);

Counter& AnswerCounter(MetricRegistry& registry, const char* result) {
  return registry.AddCounter("tokensvc_authority_token_requests_total",
                             "Requests to authorities' token endpoints, by what came of them.",
                             {{"result", result}});
}

Secret EncodeForm(const TokenRequestForm& form) {
  std::string body;
  std::size_t size = 0;
  for (const auto& [name, value] : form) size += name.size() + 3 * value.size() + 2;
  body.reserve(size);  // one buffer, so that no half-written copy of a secret is left behind
  for (const auto& [name, value] : form) AppendFormField(name, value.Reveal(), &body);
  return Secret(std::move(body));
}

}  // namespace

GrantMetrics::GrantMetrics(MetricRegistry& registry)
    : token(AnswerCounter(registry, "token")),
      refused(AnswerCounter(registry, "refused")),
      throttled(AnswerCounter(registry, "throttled")),
      unavailable(AnswerCounter(registry, "unavailable")),
      invalid(AnswerCounter(registry, "invalid")),
      untrusted(AnswerCounter(registry, "untrusted")),
      duration(registry.AddHistogram("tokensvc_authority_token_request_duration_seconds",
                                     "Time from a token request to the authority's answer, with "
                                     "discovery where it was due.")) {}

asio::awaitable<Result<RedeemedToken>> GrantEngine::Redeem(
    std::shared_ptr<const Registration> registration, std::string tenant,
    std::shared_ptr<const Grant> grant, GrantContext context) {
  const BootTime started = deps_.clock.Boot();
  if (registration->managed_identity != nullptr) {
    Result<RedeemedToken> answer = co_await RedeemAtPlatform(*registration, *grant);
    Record(*registration, *grant, context, tenant, answer, started);
    co_return answer;
  }
  Result<TokenEndpoint> endpoint =
      co_await deps_.metadata.TokenEndpointFor(registration->authority, tenant);
  if (!endpoint.ok()) {
    Result<RedeemedToken> failed(std::move(endpoint).error());
    Record(*registration, *grant, context, tenant, failed, started);
    co_return failed;
  }

  Result<RedeemedToken> result =
      RegistrationMisconfigured("the registration has no client credential");
  CredentialList& credentials = *registration->credentials;
  co_await credentials.RefreshRefused();
  const auto candidates = credentials.Candidates(deps_.clock.Boot());
  for (const auto& credential : candidates) {
    const BootTime asked = deps_.clock.Boot();
    Presented presented;
    presented.version = credential->version();
    result = co_await RedeemWith(*registration, tenant, *endpoint, *credential, *grant, context,
                                 &presented);
    Record(*registration, *grant, context, tenant, result, asked);
    if (result.ok()) {
      credentials.MarkAccepted(credential->id());
      break;
    }
    // The platform does not hand it out for now, which says nothing against it.
    if (presented.out_of_reach) continue;
    // No `authority` part: the credential could not even be presented (its file is gone, say).
    const bool unusable = result.error().reason == Reason::kRegistrationMisconfigured &&
                          result.error().authority == nullptr;
    if (!unusable && !IsClientCredentialRefused(result.error())) break;
    credentials.MarkRefused(credential->id(), presented.version);
  }
  co_return result;
}

asio::awaitable<Result<RedeemedToken>> GrantEngine::RedeemAtPlatform(
    const Registration& registration, const Grant& grant) {
  TokenRequestForm form;
  grant.AppendTo(form);
  std::string resource;
  for (const auto& [name, value] : form) {
    if (name == "scope") resource = std::string(ResourceOfDefaultScope(value.Reveal()));
  }
  Result<ManagedIdentityToken> token =
      co_await deps_.identities.Ask(registration.managed_identity, std::move(resource));
  if (!token.ok()) co_return std::move(token).error();
  RedeemedToken redeemed;
  redeemed.response.access_token = std::move(token->token);
  redeemed.response.token_type = "Bearer";
  redeemed.response.expires_in = token->expires_in;
  // The platform does not say; as MSAL infers it.
  if (token->expires_in > kLongLife) redeemed.response.refresh_in = token->expires_in / 2;
  redeemed.requested_at = token->requested_at;
  co_return redeemed;
}

asio::awaitable<Result<RedeemedToken>> GrantEngine::RedeemWith(
    const Registration& registration, const std::string& tenant, const TokenEndpoint& endpoint,
    ClientCredential& credential, const Grant& grant, const GrantContext& context,
    Presented* presented) {
  TokenEndpointRequest authenticated;
  authenticated.token_endpoint = endpoint.url;
  authenticated.client_id = registration.client_id;
  absl::Status added = co_await credential.AddTo(authenticated);
  if (added.ok()) presented->version = authenticated.credential_version;
  if (!added.ok()) {
    if (absl::IsResourceExhausted(added)) {
      Error error;
      error.code = absl::StatusCode::kResourceExhausted;
      error.reason = Reason::kOverloaded;
      error.message = "too many signatures wait in this replica";
      error.retry_after = absl::Seconds(1);
      co_return error;
    }
    presented->out_of_reach = absl::IsUnavailable(added);
    if (presented->out_of_reach) {
      // Who hands it out has logged why.
      co_return AuthorityUnavailable("the registration's client credential can't be had for now",
                                     kDefaultRetryAfter);
    }
    deps_.logger.Error("client_credential_unusable", {{"registration", registration.name},
                                                      {"credential", credential.id()},
                                                      {"why", std::string(added.message())}});
    co_return RegistrationMisconfigured("the registration's client credential can't be used");
  }

  std::string url = endpoint.url;
  AddressTrust trust = endpoint.trust;
  if (authenticated.client_certificate != nullptr) {
    if (endpoint.mtls.has_value()) {
      url = endpoint.mtls->url;
      trust = endpoint.mtls->trust;
    }
    if (url.empty()) {
      co_return AuthorityUntrusted(absl::StrCat(
          "the metadata of authority \"", registration.authority->name,
          "\" names a token_endpoint for mutual TLS that is not https, or neither at the issuer's "
          "own site nor among the allowed hosts"));
    }
    if (!absl::StartsWith(url, "https://")) {
      co_return RegistrationMisconfigured("mutual TLS needs a token endpoint with https");
    }
  }

  TokenRequestForm form;
  grant.AppendTo(form);
  for (auto& field : authenticated.form) form.push_back(std::move(field));

  HttpRequest request;
  request.method = HttpRequest::Method::kPost;
  request.url = std::move(url);
  request.trust = trust;
  request.client_certificate = std::move(authenticated.client_certificate);
  request.timeout = registration.authority->request_timeout;
  request.ca_file = registration.authority->ca_file;
  // What an authority throttles by, and so what must not hold up the others at the same host.
  request.queue_key = absl::StrCat(tenant, " ", registration.client_id);
  request.headers = std::move(authenticated.headers);
  request.headers.emplace_back("Accept", Secret::CopyOf("application/json"));
  request.headers.emplace_back("client-request-id", Secret::CopyOf(context.correlation_id));
  request.headers.emplace_back("return-client-request-id", Secret::CopyOf("true"));
  request.body = EncodeForm(form);

  const BootTime sent = deps_.clock.Boot();
  absl::StatusOr<HttpResponse> response = co_await deps_.transport.Send(std::move(request));
  if (!response.ok()) co_return FromTransport(response.status(), registration.authority->name);
  ExchangeContext exchange;
  exchange.authority = registration.authority->name;
  exchange.now = deps_.clock.Now();
  Result<TokenResponse> parsed = ParseTokenResponse(*response, exchange);
  if (!parsed.ok()) co_return std::move(parsed).error();
  RedeemedToken redeemed;
  redeemed.response = *std::move(parsed);
  redeemed.requested_at = sent;
  redeemed.credential = credential.id();
  co_return redeemed;
}

void GrantEngine::Record(const Registration& registration, const Grant& grant,
                         const GrantContext& context, absl::string_view tenant,
                         const Result<RedeemedToken>& result, BootTime started) {
  const absl::Duration took = absl::FromChrono(deps_.clock.Boot() - started);
  deps_.metrics.duration.Observe(took);
  Counter* counter = &deps_.metrics.token;
  if (!result.ok()) {
    switch (result.error().reason) {
      case Reason::kThrottled:
        counter = &deps_.metrics.throttled;
        break;
      case Reason::kAuthorityUnavailable:
        counter = &deps_.metrics.unavailable;
        break;
      case Reason::kAuthorityResponseInvalid:
        counter = &deps_.metrics.invalid;
        break;
      case Reason::kAuthorityUntrusted:
        counter = &deps_.metrics.untrusted;
        break;
      default:
        counter = &deps_.metrics.refused;
    }
  }
  counter->Increment();
  const LogSeverity severity = result.ok() ? LogSeverity::kInfo : LogSeverity::kWarning;
  if (!deps_.logger.Enabled(severity)) return;
  const AuthorityErrorInfo* authority = result.ok() ? nullptr : result.error().authority.get();
  deps_.logger.Write(
      severity, "authority_token_request",
      {{"registration", registration.name},
       {"tenant", tenant},
       {"grant", grant.name()},
       {"result", result.ok() ? absl::string_view("token") : ReasonName(result.error().reason)},
       {"http_status", authority == nullptr ? 0 : authority->http_status},
       {"error", authority == nullptr ? absl::string_view() : authority->error},
       {"duration_ms", absl::ToDoubleMilliseconds(took)},
       {"correlation_id", context.correlation_id},
       {"authority_trace_id", authority == nullptr ? absl::string_view() : authority->trace_id},
       {"trace_id", context.trace_id}});
}

}  // namespace tokensvc
