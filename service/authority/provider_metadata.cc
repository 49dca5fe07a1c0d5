// SPDX-License-Identifier: Apache-2.0
#include "service/authority/provider_metadata.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/host_name.h"
#include "base/json.h"
#include "service/authority/grammar.h"
#include "service/authority/http_url.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxAuthMethods = 32;

/// Says where an endpoint may point, or refuses it.
std::optional<AddressTrust> TrustOf(const Authority& authority, const HttpUrl& issuer,
                                    const HttpUrl& endpoint) {
  if (!endpoint.https) {
    const bool loopback = !issuer.https && IsLoopbackHost(issuer.host);
    if (!loopback || endpoint.host != issuer.host) return std::nullopt;
  }
  if (endpoint.host == issuer.host) return AddressTrust::kConfigured;
  for (const std::string& host : authority.allowed_hosts) {
    if (absl::AsciiStrToLower(host) == endpoint.host) return AddressTrust::kConfigured;
  }
  if (IsSameSite(endpoint.host, issuer.host)) return AddressTrust::kLearnt;
  return std::nullopt;
}

std::vector<std::string> AuthMethods(const Json& document) {
  const auto member = document.find("token_endpoint_auth_methods_supported");
  if (member == document.end() || !member->is_array()) return {"client_secret_basic"};
  std::vector<std::string> methods;
  for (const Json& method : *member) {
    if (!method.is_string() || methods.size() == kMaxAuthMethods) continue;
    const auto& name = method.get_ref<const std::string&>();
    if (name.size() <= 64 && IsVisibleAscii(name)) methods.push_back(name);
  }
  return methods;
}

std::optional<TokenEndpoint::MtlsAlias> FindMtlsAlias(const Authority& authority,
                                                      const HttpUrl& issuer, const Json& document) {
  const auto aliases = document.find("mtls_endpoint_aliases");
  if (aliases == document.end() || !aliases->is_object()) return std::nullopt;
  const auto member = aliases->find("token_endpoint");
  if (member == aliases->end() || member->is_null()) return std::nullopt;
  TokenEndpoint::MtlsAlias alias;
  const std::optional<HttpUrl> url = ParseHttpUrl(StringMember(*aliases, "token_endpoint"));
  const std::optional<AddressTrust> trust =
      url.has_value() ? TrustOf(authority, issuer, *url) : std::nullopt;
  if (trust.has_value()) {
    alias.url = url->Origin() + url->path;
    alias.trust = *trust;
  }
  return alias;
}

bool Lists(const Json& aliases, absl::string_view host) {
  return std::any_of(aliases.begin(), aliases.end(), [host](const Json& alias) {
    return alias.is_string() && absl::EqualsIgnoreCase(alias.get_ref<const std::string&>(), host);
  });
}

/// The issuer's address: where it is that of all of Entra's tenants, `common` stands for them.
std::string IssuerAddress(absl::string_view issuer) {
  return absl::StrReplaceAll(issuer, {{"{tenantid}", "common"}});
}

/// A document that is the issuer's, and the endpoint that it names.
struct NamedEndpoint {
  Json document;
  HttpUrl issuer;
  std::string url;
  AddressTrust trust;
};

Result<NamedEndpoint> ReadEndpoint(const Authority& authority, absl::string_view body,
                                   absl::string_view member) {
  const std::string what = absl::StrCat("the metadata of authority \"", authority.name, "\"");
  absl::StatusOr<Json> document = ParseJsonObject(body);
  if (!document.ok()) {
    return AuthorityResponseInvalid(
        absl::StrCat(what, " is refused (", document.status().message(), ")"), kDefaultRetryAfter);
  }
  const absl::string_view issuer = StringMember(*document, "issuer");
  const absl::string_view endpoint = StringMember(*document, member);
  if (issuer.empty()) {
    return AuthorityResponseInvalid(absl::StrCat(what, " names no issuer"), kDefaultRetryAfter);
  }
  if (issuer != absl::string_view(authority.issuer)) {
    return AuthorityUntrusted(absl::StrCat(what, " is that of another issuer"));
  }
  if (endpoint.empty()) {
    return AuthorityResponseInvalid(absl::StrCat(what, " names no ", member), kDefaultRetryAfter);
  }
  const std::optional<HttpUrl> issuer_url = ParseHttpUrl(IssuerAddress(authority.issuer));
  if (!issuer_url.has_value()) {
    return RegistrationMisconfigured(
        absl::StrCat("the issuer of authority \"", authority.name, "\" is no usable URL"));
  }
  const std::optional<HttpUrl> endpoint_url = ParseHttpUrl(endpoint);
  const std::optional<AddressTrust> trust =
      endpoint_url.has_value() ? TrustOf(authority, *issuer_url, *endpoint_url) : std::nullopt;
  if (!trust.has_value()) {
    return AuthorityUntrusted(absl::StrCat(what, " names a ", member,
                                           " that is not https, not at the issuer's own site "
                                           "and not among the allowed hosts, or no plain URL"));
  }
  std::string url = endpoint_url->Origin() + endpoint_url->path;
  return NamedEndpoint{*std::move(document), *issuer_url, std::move(url), *trust};
}

}  // namespace

std::string ProviderMetadataUrl(absl::string_view issuer) {
  return absl::StrCat(absl::StripSuffix(IssuerAddress(issuer), "/"),
                      "/.well-known/openid-configuration");
}

Result<TokenEndpoint> ParseProviderMetadata(const Authority& authority, absl::string_view body) {
  const Result<NamedEndpoint> named = ReadEndpoint(authority, body, "token_endpoint");
  if (!named.ok()) return named.error();
  TokenEndpoint endpoint;
  endpoint.url = named->url;
  endpoint.trust = named->trust;
  endpoint.auth_methods = AuthMethods(named->document);
  endpoint.issuer = authority.issuer;
  endpoint.mtls = FindMtlsAlias(authority, named->issuer, named->document);
  return endpoint;
}

Result<JwksLocation> ParseJwksUri(const Authority& authority, absl::string_view body) {
  Result<NamedEndpoint> named = ReadEndpoint(authority, body, "jwks_uri");
  if (!named.ok()) return std::move(named).error();
  return JwksLocation{std::move(named->url), named->trust};
}

Result<std::string> ParseInstanceDiscovery(absl::string_view host, absl::string_view body) {
  const absl::StatusOr<Json> document = ParseJsonObject(body);
  const auto invalid = [] {
    return AuthorityResponseInvalid("the instance discovery's answer is refused",
                                    kDefaultRetryAfter);
  };
  if (!document.ok()) return invalid();
  const auto metadata = document->find("metadata");
  if (metadata == document->end() || !metadata->is_array()) return invalid();
  for (const Json& entry : *metadata) {
    if (!entry.is_object()) continue;
    const auto aliases = entry.find("aliases");
    if (aliases == entry.end() || !aliases->is_array() || !Lists(*aliases, host)) continue;
    std::string preferred = absl::AsciiStrToLower(StringMember(entry, "preferred_network"));
    // The document alone must not be able to send our credentials elsewhere.
    const KnownCloud* const cloud = FindKnownCloud(host);
    const bool ours = preferred == host || (cloud != nullptr && FindKnownCloud(preferred) == cloud);
    if (!preferred.empty() && ours && Lists(*aliases, preferred)) return preferred;
    break;
  }
  return std::string(host);
}

bool SaysInvalidInstance(absl::string_view body) {
  const absl::StatusOr<Json> document = ParseJsonObject(body);
  return document.ok() && StringMember(*document, "error") == "invalid_instance";
}

}  // namespace tokensvc
