// SPDX-License-Identifier: Apache-2.0
#include "service/authority/authority_metadata.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/form_url.h"
#include "base/host_name.h"
#include "service/authority/http_url.h"
#include "service/authority/retry_after.h"
#include "service/authority/tenant.h"
#include "service/authority/transport_error.h"

namespace tokensvc {
namespace {

constexpr absl::string_view kPublicCloud = "login.microsoftonline.com";
constexpr absl::string_view kMetricName = "tokensvc_authority_metadata_requests_total";
constexpr absl::string_view kMetricHelp = "Requests for authorities' metadata, by kind and result.";

Counter& AddMetric(MetricRegistry& registry, const char* kind, const char* result) {
  return registry.AddCounter(std::string(kMetricName), std::string(kMetricHelp),
                             {{"kind", kind}, {"result", result}});
}

DocumentPolicy InstancePolicy() {
  DocumentPolicy policy;
  policy.first_backoff = policy.max_backoff;
  return policy;
}

HttpRequest MakeGet(const Authority& authority, std::string url) {
  HttpRequest request;
  request.method = HttpRequest::Method::kGet;
  request.url = std::move(url);
  request.headers.emplace_back("Accept", Secret::CopyOf("application/json"));
  request.timeout = authority.request_timeout;
  request.trust = AddressTrust::kConfigured;
  request.ca_file = authority.ca_file;
  return request;
}

/// An answer of the metadata endpoint that is no document.
Error RefusedDocument(const HttpResponse& response, const Authority& authority,
                      absl::Duration retry_after) {
  const std::string what = absl::StrCat("the metadata endpoint of authority \"", authority.name,
                                        "\" answered HTTP ", response.status);
  const int status = response.status;
  if (status == 429 || status == 408 || status >= 500)
    return AuthorityUnavailable(what, retry_after);
  return AuthorityResponseInvalid(what, retry_after);
}

void Report(Logger& logger, Counter& ok, Counter& failed, const Authority& authority,
            absl::string_view kind, const Error* error) {
  if (error == nullptr) {
    ok.Increment();
    logger.Info("authority_metadata_fetched", {{"authority", authority.name}, {"kind", kind}});
    return;
  }
  failed.Increment();
  const absl::string_view reason = ReasonName(error->reason);
  // The message is ours alone (see `Error`).
  if (error->reason == Reason::kAuthorityUntrusted) {
    logger.Error("authority_metadata_refused", {{"authority", authority.name},
                                                {"kind", kind},
                                                {"reason", reason},
                                                {"detail", error->message}});
  } else {
    logger.Warning("authority_metadata_failed", {{"authority", authority.name},
                                                 {"kind", kind},
                                                 {"reason", reason},
                                                 {"detail", error->message}});
  }
}

Result<std::string> ReadInstance(const absl::StatusOr<HttpResponse>& response,
                                 const Authority& authority, const HttpUrl& url) {
  if (!response.ok()) {
    Error error = FromTransport(response.status(), authority.name);
    // A discovery host whose certificate is refused says nothing about the authority.
    if (error.reason == Reason::kAuthorityUntrusted) {
      return AuthorityUnavailable(absl::StrCat("instance discovery: ", error.message),
                                  kDefaultRetryAfter);
    }
    return error;
  }
  const absl::string_view body = response->body.Reveal();
  if (response->status == 200) return ParseInstanceDiscovery(url.host, body);
  if (response->status >= 400 && response->status < 500 && SaysInvalidInstance(body)) {
    return AuthorityUntrusted(
        absl::StrCat("instance discovery: the cloud does not know the host of authority \"",
                     authority.name, "\""));
  }
  return RefusedDocument(*response, authority, kDefaultRetryAfter);
}

Result<TokenEndpoint> ReadProvider(const absl::StatusOr<HttpResponse>& response,
                                   const Authority& authority) {
  if (!response.ok()) return FromTransport(response.status(), authority.name);
  if (response->status == 200) {
    return ParseProviderMetadata(authority, response->body.Reveal());
  }
  // Seconds only: a date would need the wall clock for a wait that is bounded to a minute anyway.
  const std::optional<absl::Duration> told =
      ParseRetryAfter(response->Header("retry-after"), absl::InfiniteFuture());
  return RefusedDocument(*response, authority, told.value_or(kDefaultRetryAfter));
}

/// Everything that the reading of an issuer's metadata depends on; lengths keep the parts apart.
std::string ProviderKey(const Authority& authority) {
  std::string key;
  std::vector<std::string> parts = authority.allowed_hosts;
  std::sort(parts.begin(), parts.end());
  parts.push_back(authority.issuer);
  parts.push_back(authority.ca_file);
  for (const std::string& part : parts) absl::StrAppend(&key, part.size(), ":", part);
  return key;
}

}  // namespace

AuthorityMetrics::AuthorityMetrics(MetricRegistry& registry)
    : instance_ok(AddMetric(registry, "instance", "ok")),
      instance_failed(AddMetric(registry, "instance", "failed")),
      provider_ok(AddMetric(registry, "provider", "ok")),
      provider_failed(AddMetric(registry, "provider", "failed")) {}

AuthorityMetadata::AuthorityMetadata(HttpTransport& transport, const Clock& clock, Logger& logger,
                                     AuthorityMetrics& metrics)
    : ports_{&transport, &logger, &metrics},
      instances_(clock, InstancePolicy()),
      providers_(clock, DocumentPolicy()) {}

asio::awaitable<Result<std::string>> AuthorityMetadata::FetchInstance(
    Ports ports, std::shared_ptr<const Authority> authority) {
  const std::optional<HttpUrl> url = ParseHttpUrl(authority->base_url);
  if (!url.has_value()) co_return RegistrationMisconfigured("base_url is no usable URL");
  // Who vouches for the host: a known cloud for itself, a development authority for itself, and for
  // any other the public cloud. The tenant is always `common`: the answer is shared by all tenants.
  const bool itself =
      FindKnownCloud(url->host) != nullptr || IsLoopbackHost(url->host) || IsIpAddress(url->host);
  const std::string origin = itself ? url->Origin() : absl::StrCat("https://", kPublicCloud);
  const std::string asked = absl::StrCat(url->Origin(), "/common/oauth2/v2.0/authorize");
  HttpRequest request =
      MakeGet(*authority, absl::StrCat(origin,
                                       "/common/discovery/instance?api-version=1.1&"
                                       "authorization_endpoint=",
                                       PathSegmentEncode(asked)));
  if (!itself) request.ca_file.clear();
  asio::awaitable<absl::StatusOr<HttpResponse>> pending = ports.transport->Send(std::move(request));
  const absl::StatusOr<HttpResponse> response = co_await std::move(pending);
  Result<std::string> result = ReadInstance(response, *authority, *url);
  Report(*ports.logger, ports.metrics->instance_ok, ports.metrics->instance_failed, *authority,
         "instance", result.ok() ? nullptr : &result.error());
  co_return result;
}

asio::awaitable<Result<TokenEndpoint>> AuthorityMetadata::FetchProvider(
    Ports ports, std::shared_ptr<const Authority> authority) {
  HttpRequest request = MakeGet(*authority, ProviderMetadataUrl(authority->issuer));
  asio::awaitable<absl::StatusOr<HttpResponse>> pending = ports.transport->Send(std::move(request));
  const absl::StatusOr<HttpResponse> response = co_await std::move(pending);
  Result<TokenEndpoint> result = ReadProvider(response, *authority);
  Report(*ports.logger, ports.metrics->provider_ok, ports.metrics->provider_failed, *authority,
         "provider", result.ok() ? nullptr : &result.error());
  co_return result;
}

asio::awaitable<Result<TokenEndpoint>> AuthorityMetadata::EntraEndpoint(
    std::shared_ptr<const Authority> authority, std::string tenant) {
  const Result<std::string> canonical = CanonicalTenant(tenant);
  if (!canonical.ok()) co_return canonical.error();
  std::optional<HttpUrl> url = ParseHttpUrl(authority->base_url);
  if (!url.has_value()) co_return RegistrationMisconfigured("base_url is no usable URL");
  if (authority->instance_discovery) {
    const Ports ports = ports_;
    DocumentCache<std::string>::Fetch fetch = [ports, authority] {
      return FetchInstance(ports, authority);
    };
    std::string key = absl::StrCat(url->Origin(), "\n", authority->ca_file);
    auto pending = instances_.Get(std::move(key), std::move(fetch));
    const Result<std::shared_ptr<const std::string>> host = co_await std::move(pending);
    if (host.ok()) {
      url->host = **host;
    } else if (host.error().reason == Reason::kAuthorityUntrusted ||
               host.error().reason == Reason::kDeadline) {
      co_return host.error();
    }
  }
  if (!authority->region.empty()) url->host = RegionalHost(authority->region, url->host);
  TokenEndpoint endpoint;
  endpoint.url = absl::StrCat(url->Origin(), "/", *canonical, "/oauth2/v2.0/token");
  co_return endpoint;
}

asio::awaitable<Result<TokenEndpoint>> AuthorityMetadata::TokenEndpointFor(
    std::shared_ptr<const Authority> authority, std::string tenant) {
  if (!CheckAuthority(*authority).empty()) {
    co_return RegistrationMisconfigured(
        absl::StrCat("the configuration of authority \"", authority->name, "\" is not usable"));
  }
  if (authority->kind == AuthorityKind::kEntra) {
    auto pending = EntraEndpoint(authority, std::move(tenant));
    co_return co_await std::move(pending);
  }
  if (!tenant.empty()) {
    co_return InvalidRequest("tenant", "must be empty: this authority has no tenants");
  }
  if (authority->kind != AuthorityKind::kOidc) {
    TokenEndpoint fixed;
    fixed.url = authority->token_endpoint;
    co_return fixed;
  }
  const Ports ports = ports_;
  DocumentCache<TokenEndpoint>::Fetch fetch = [ports, authority] {
    return FetchProvider(ports, authority);
  };
  auto pending = providers_.Get(ProviderKey(*authority), std::move(fetch));
  const Result<std::shared_ptr<const TokenEndpoint>> endpoint = co_await std::move(pending);
  if (!endpoint.ok()) co_return endpoint.error();
  co_return **endpoint;
}

}  // namespace tokensvc
