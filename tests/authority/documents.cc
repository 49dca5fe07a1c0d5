// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/documents.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tokensvc::devauth {
namespace {

struct Cloud {
  std::string network;
  std::string cache;
  std::vector<std::string> aliases;
};

const std::vector<Cloud>& PublicClouds() {
  static const auto* clouds = new std::vector<Cloud>{
      {"login.microsoftonline.com",
       "login.windows.net",
       {"login.microsoftonline.com", "login.windows.net", "login.microsoft.com",
        "sts.windows.net"}},
      {"login.partner.microsoftonline.cn",
       "login.partner.microsoftonline.cn",
       {"login.partner.microsoftonline.cn", "login.chinacloudapi.cn"}},
      {"login.microsoftonline.us",
       "login.microsoftonline.us",
       {"login.microsoftonline.us", "login.usgovcloudapi.net"}},
  };
  return *clouds;
}

bool Holds(const std::vector<std::string>& hosts, absl::string_view host) {
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const std::string& known) { return absl::EqualsIgnoreCase(known, host); });
}

Json Discovery(absl::string_view issuer, absl::string_view token, absl::string_view keys) {
  return {{"issuer", std::string(issuer)},
          {"token_endpoint", std::string(token)},
          {"jwks_uri", std::string(keys)},
          {"token_endpoint_auth_methods_supported",
           {"client_secret_post", "client_secret_basic", "private_key_jwt"}},
          {"token_endpoint_auth_signing_alg_values_supported", {"PS256", "RS256", "ES256"}},
          {"grant_types_supported", {"client_credentials"}},
          {"response_types_supported", {"code"}},
          {"subject_types_supported", {"pairwise"}},
          {"id_token_signing_alg_values_supported", {"RS256"}}};
}

}  // namespace

std::variant<Json, OAuthError> EntraDiscovery(absl::string_view base, absl::string_view tenant,
                                              const std::vector<Tenant>& tenants) {
  std::string issuer_tenant(tenant);
  if (IsTenantAlias(tenant)) {
    issuer_tenant = "{tenantid}";
  } else {
    std::variant<std::string, OAuthError> id = ResolveTenant(tenant, tenants);
    if (auto* refusal = std::get_if<OAuthError>(&id)) return std::move(*refusal);
    if (!tenants.empty()) issuer_tenant = std::get<std::string>(id);
  }
  const std::string here = absl::StrCat(base, "/", tenant);
  Json out = Discovery(absl::StrCat(base, "/", issuer_tenant, "/v2.0"),
                       absl::StrCat(here, "/oauth2/v2.0/token"),
                       absl::StrCat(here, "/discovery/v2.0/keys"));
  out["authorization_endpoint"] = absl::StrCat(here, "/oauth2/v2.0/authorize");
  out["device_authorization_endpoint"] = absl::StrCat(here, "/oauth2/v2.0/devicecode");
  out["tenant_region_scope"] = nullptr;
  out["cloud_instance_name"] = "microsoftonline.com";
  return out;
}

Json OidcDiscovery(absl::string_view base) {
  const std::string issuer = absl::StrCat(base, "/oidc");
  Json out = Discovery(issuer, absl::StrCat(issuer, "/token"), absl::StrCat(issuer, "/jwks"));
  out["authorization_endpoint"] = absl::StrCat(issuer, "/authorize");
  return out;
}

Json KeySet(const SigningKey& key) { return {{"keys", Json::array({key.jwk()})}}; }

std::variant<Json, OAuthError> InstanceDiscovery(absl::string_view base, const Form& query,
                                                 const std::vector<std::string>& own_hosts) {
  const auto version = query.find("api-version");
  if (version == query.end() || version->second != "1.1") {
    return EntraError(900144, "The 'api-version' 1.1 is required.");
  }
  const auto endpoint = query.find("authorization_endpoint");
  const absl::string_view url = endpoint == query.end() ? "" : absl::string_view(endpoint->second);
  const size_t scheme = url.find("://");
  if (scheme == absl::string_view::npos) return EntraError(50049);
  const absl::string_view rest = url.substr(scheme + 3);
  const size_t slash = rest.find('/');
  const absl::string_view host = rest.substr(0, slash);
  bool known = Holds(own_hosts, host);
  Json metadata = Json::array();
  for (const Cloud& cloud : PublicClouds()) {
    known |= Holds(cloud.aliases, host);
    metadata.push_back({{"preferred_network", cloud.network},
                        {"preferred_cache", cloud.cache},
                        {"aliases", cloud.aliases}});
  }
  if (!known || slash == absl::string_view::npos) return EntraError(50049);
  const absl::string_view path = rest.substr(slash + 1);
  const absl::string_view tenant = path.substr(0, path.find('/'));
  metadata.push_back({{"preferred_network", own_hosts.front()},
                      {"preferred_cache", own_hosts.front()},
                      {"aliases", own_hosts}});
  return Json{{"tenant_discovery_endpoint",
               absl::StrCat(base, "/", tenant, "/v2.0/.well-known/openid-configuration")},
              {"api-version", "1.1"},
              {"metadata", metadata}};
}

}  // namespace tokensvc::devauth
