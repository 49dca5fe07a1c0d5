// SPDX-License-Identifier: Apache-2.0
#include "service/authority/authority.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/host_name.h"
#include "service/authority/grammar.h"
#include "service/authority/http_url.h"

namespace tokensvc {
namespace {

const std::vector<KnownCloud>& KnownClouds() {
  // https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
  static const auto* const clouds = new std::vector<KnownCloud>{
      {"login.microsoftonline.com",
       {"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"},
       true},
      {"login.partner.microsoftonline.cn",
       {"login.partner.microsoftonline.cn", "login.chinacloudapi.cn"},
       false},
      {"login.microsoftonline.us", {"login.microsoftonline.us", "login.usgovcloudapi.net"}, false},
      {"login-us.microsoftonline.com", {"login-us.microsoftonline.com"}, false},
      {"login.microsoftonline.de", {"login.microsoftonline.de"}, false},
      {"login.sovcloud-identity.fr", {"login.sovcloud-identity.fr"}, false},
      {"login.sovcloud-identity.de", {"login.sovcloud-identity.de"}, false},
      {"login.sovcloud-identity.sg", {"login.sovcloud-identity.sg"}, false},
  };
  return *clouds;
}

void CheckEntra(const Authority& authority, std::vector<FieldViolation>* violations) {
  const std::optional<HttpUrl> url = ParseHttpUrl(authority.base_url);
  if (!url.has_value() || !(url->path.empty() || url->path == "/")) {
    violations->push_back(
        {"base_url", "must be https:// and a host, without tenant, path or query"});
  } else if (!url->https && !IsLoopbackHost(url->host)) {
    violations->push_back({"base_url", "may be http:// for a loopback address only"});
  }
  if (authority.region.empty()) return;
  const bool well_formed =
      authority.region.size() <= 63 &&
      std::all_of(authority.region.begin(), authority.region.end(),
                  [](unsigned char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); });
  if (!well_formed) {
    violations->push_back({"region", "must be lower-case letters and digits, such as westeurope"});
  }
  if (url.has_value() && (IsIpAddress(url->host) || IsLoopbackHost(url->host))) {
    violations->push_back({"region", "has no meaning where base_url is not a domain"});
  }
}

void CheckOidc(const Authority& authority, std::vector<FieldViolation>* violations) {
  const std::optional<HttpUrl> url = ParseHttpUrl(authority.issuer);
  if (!url.has_value() || absl::StrContains(url->path, '?')) {
    violations->push_back(
        {"issuer", "must be https://, a host and perhaps a path, without a query"});
  } else if (!url->https && !IsLoopbackHost(url->host)) {
    violations->push_back({"issuer", "may be http:// for a loopback address only"});
  }
  for (std::size_t i = 0; i < authority.allowed_hosts.size(); ++i) {
    const std::string& host = authority.allowed_hosts[i];
    if (!IsHostName(host) && !IsIpAddress(host)) {
      violations->push_back({absl::StrCat("allowed_hosts[", i, "]"),
                             "must be a host name alone, without scheme, port or path"});
    }
  }
}

void CheckFixed(const Authority& authority, std::vector<FieldViolation>* violations) {
  const std::optional<HttpUrl> url = ParseHttpUrl(authority.token_endpoint);
  if (!url.has_value() || absl::StrContains(url->path, '?')) {
    violations->push_back({"token_endpoint", "must be https://, a host and a path"});
  } else if (!url->https && !IsLoopbackHost(url->host)) {
    violations->push_back({"token_endpoint", "may be http:// for a loopback address only"});
  }
}

absl::string_view WithoutSlash(absl::string_view url) { return absl::StripSuffix(url, "/"); }

}  // namespace

std::vector<FieldViolation> CheckAuthority(const Authority& authority) {
  std::vector<FieldViolation> violations;
  switch (authority.kind) {
    case AuthorityKind::kEntra:
      CheckEntra(authority, &violations);
      break;
    case AuthorityKind::kOidc:
      CheckOidc(authority, &violations);
      break;
    case AuthorityKind::kAdfs:
    case AuthorityKind::kB2c:
    case AuthorityKind::kCiam:
      CheckFixed(authority, &violations);
      break;
    case AuthorityKind::kManagedIdentity:
      break;
  }
  if (authority.request_timeout <= absl::ZeroDuration()) {
    violations.push_back({"request_timeout", "must be positive"});
  }
  return violations;
}

const AuthorityProfile& ProfileOf(const Authority& authority) {
  static const AuthorityProfile entra{.scope_rule = ScopeRule::kEntraDefault,
                                      .has_tenants = true,
                                      .refresh_token_reuse = RefreshTokenReuse::kReusable,
                                      .assertion_lifetime = absl::Minutes(10),
                                      .absent_scope_means_requested = true,
                                      .sends_client_capabilities = true};
  static const AuthorityProfile oidc{.sends_resource = true, .sends_audience = true};
  // Takes the resource as a parameter or as the part of a scope before its last slash, and leaves
  // scopes that it does not grant out without a word.
  static const AuthorityProfile adfs{.assertion_lifetime = absl::Minutes(10),
                                     .sends_resource = true,
                                     .wants_rs256_assertions = true};
  // One tenant each, and otherwise like Entra.
  static const AuthorityProfile b2c_and_ciam{.scope_rule = ScopeRule::kEntraDefault,
                                             .refresh_token_reuse = RefreshTokenReuse::kReusable,
                                             .assertion_lifetime = absl::Minutes(10),
                                             .absent_scope_means_requested = true};
  // Has no tenants and no clients: who asks is the machine.
  static const AuthorityProfile managed_identity{.scope_rule = ScopeRule::kEntraDefault,
                                                 .absent_scope_means_requested = true,
                                                 .shares_tokens = false};
  switch (authority.kind) {
    case AuthorityKind::kManagedIdentity:
      return managed_identity;
    case AuthorityKind::kEntra:
      return entra;
    case AuthorityKind::kOidc:
      return oidc;
    case AuthorityKind::kAdfs:
      return adfs;
    case AuthorityKind::kB2c:
    case AuthorityKind::kCiam:
      break;
  }
  return b2c_and_ciam;
}

std::string AdfsTokenEndpoint(absl::string_view base_url) {
  return absl::StrCat(absl::StripSuffix(WithoutSlash(base_url), "/adfs"), "/adfs/oauth2/token");
}

std::string B2cTokenEndpoint(absl::string_view base_url, absl::string_view tenant,
                             absl::string_view policy) {
  std::string origin(WithoutSlash(base_url));
  absl::string_view name = tenant;
  if (origin.empty()) {
    if (!absl::ConsumeSuffix(&name, ".onmicrosoft.com")) return "";
    origin = absl::StrCat("https://", name, ".b2clogin.com");
  }
  return absl::StrCat(origin, "/", tenant, "/", policy, "/oauth2/v2.0/token");
}

std::string CiamTokenEndpoint(absl::string_view base_url, absl::string_view subdomain,
                              absl::string_view tenant) {
  const std::string origin = base_url.empty()
                                 ? absl::StrCat("https://", subdomain, ".ciamlogin.com")
                                 : std::string(WithoutSlash(base_url));
  const std::string directory =
      tenant.empty() ? absl::StrCat(subdomain, ".onmicrosoft.com") : std::string(tenant);
  return absl::StrCat(origin, "/", directory, "/oauth2/v2.0/token");
}

const KnownCloud* FindKnownCloud(absl::string_view host) {
  for (const KnownCloud& cloud : KnownClouds()) {
    for (const absl::string_view alias : cloud.aliases) {
      if (alias == host) return &cloud;
    }
  }
  return nullptr;
}

std::string RegionalHost(absl::string_view region, absl::string_view host) {
  const KnownCloud* const cloud = FindKnownCloud(host);
  if (cloud != nullptr && cloud->is_public) return absl::StrCat(region, ".login.microsoft.com");
  return absl::StrCat(region, ".", host);
}

}  // namespace tokensvc
