// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/client_credentials_grant.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tokensvc::devauth {
namespace {

constexpr absl::string_view kDefaultSuffix = "/.default";

// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), single spaces between.
bool IsScopeGrammar(absl::string_view scope) {
  bool in_token = false;
  for (const char c : scope) {
    if (c == ' ') {
      if (!in_token) return false;
      in_token = false;
      continue;
    }
    if (c < 0x21 || c > 0x7e || c == '"' || c == '\\') return false;
    in_token = true;
  }
  return in_token;
}

OAuthError BadEntraScope(absl::string_view scope, absl::string_view why) {
  return EntraError(
      70011, absl::StrCat("The provided request must include a 'scope' input parameter. The "
                          "provided value for the input parameter 'scope' is not valid. The scope ",
                          scope.substr(0, 200), " is not valid. ", why));
}

bool SameResource(absl::string_view a, absl::string_view b) {
  return absl::EqualsIgnoreCase(absl::StripSuffix(a, "/"), absl::StripSuffix(b, "/"));
}

// A resource that understands continuous access evaluation gets `xms_cc` in its token.
Json CapabilityClaims(const Json& requested) {
  const Json::json_pointer where("/access_token/xms_cc/values");
  if (!requested.is_object() || !requested.contains(where)) return Json::object();
  const Json& values = requested.at(where);
  if (!values.is_array() || std::find(values.begin(), values.end(), "cp1") == values.end()) {
    return Json::object();
  }
  return {{"xms_cc", Json::array({"cp1"})}};
}

// RFC 8707 §2: an absolute URI without a fragment.
bool IsResourceUri(absl::string_view resource) {
  const size_t colon = resource.find(':');
  return colon != absl::string_view::npos && colon > 0 && colon + 1 < resource.size() &&
         resource.find('#') == absl::string_view::npos && IsScopeGrammar(resource) &&
         resource.find(' ') == absl::string_view::npos;
}

}  // namespace

std::variant<Json, OAuthError> ClientCredentialsGrant::Handle(const TokenRequest& request) {
  if (request.shape == Shape::kAdfs) return HandleAdfs(request);
  return IsLikeEntra(request.shape) ? HandleEntra(request) : HandleOidc(request);
}

std::variant<Json, OAuthError> ClientCredentialsGrant::HandleEntra(const TokenRequest& request) {
  const std::string scope = request.Parameter("scope");
  if (scope.empty()) {
    return EntraError(900144, "The request body must contain the following parameter: 'scope'.");
  }
  if (!IsScopeGrammar(scope)) return BadEntraScope("", "It has characters that no scope has.");
  if (absl::StrContains(scope, ' ')) {
    return BadEntraScope(scope, "Client credentials take exactly one resource.");
  }
  if (!absl::EndsWithIgnoreCase(scope, kDefaultSuffix) || scope.size() == kDefaultSuffix.size()) {
    return BadEntraScope(scope, "Append /.default to the resource identifier.");
  }
  const std::string resource = scope.substr(0, scope.size() - kDefaultSuffix.size());
  const auto& known = dependencies_.known_resources;
  if (!known.empty() && std::none_of(known.begin(), known.end(), [&](const std::string& other) {
        return SameResource(resource, other);
      })) {
    return EntraError(500011, absl::StrCat("The resource principal named ", resource.substr(0, 200),
                                           " was not found in the tenant."));
  }
  return dependencies_.issuer.Issue(request, resource, CapabilityClaims(request.claims));
}

// AD FS takes the resource as a parameter, or in front of the last slash of a scope, and answers
// without `scope`.
std::variant<Json, OAuthError> ClientCredentialsGrant::HandleAdfs(const TokenRequest& request) {
  const std::string scope = request.Parameter("scope");
  std::string resource = request.Parameter("resource");
  const size_t slash = scope.rfind('/', scope.find(' '));
  if (resource.empty() && slash != std::string::npos) resource = scope.substr(0, slash);
  const auto& known = dependencies_.known_resources;
  if (!scope.empty() && !IsScopeGrammar(scope)) {
    OAuthError refusal;
    refusal.error = "invalid_scope";
    refusal.message = "The scope is not of RFC 6749 section 3.3's grammar.";
    return refusal;
  }
  if (!resource.empty() && !known.empty() &&
      std::none_of(known.begin(), known.end(),
                   [&](const std::string& other) { return SameResource(resource, other); })) {
    OAuthError refusal;
    refusal.error = "invalid_resource";
    refusal.message = "The received 'resource' parameter is invalid.";
    return refusal;
  }
  return dependencies_.issuer.Issue(request, resource.empty() ? "urn:microsoft:userinfo" : resource,
                                    Json::object());
}

std::variant<Json, OAuthError> ClientCredentialsGrant::HandleOidc(const TokenRequest& request) {
  const std::string scope = request.Parameter("scope");
  if (!scope.empty() && !IsScopeGrammar(scope)) {
    OAuthError refusal;
    refusal.error = "invalid_scope";
    refusal.message = "The scope is not of RFC 6749 section 3.3's grammar.";
    return refusal;
  }
  const std::string resource = request.Parameter("resource");
  if (!resource.empty() && !IsResourceUri(resource)) {
    OAuthError refusal;
    refusal.error = "invalid_target";
    refusal.message = "The resource is not an absolute URI without a fragment.";
    return refusal;
  }
  std::string audience = request.Parameter("audience");
  if (audience.empty()) audience = resource.empty() ? request.client->client.id : resource;
  Json extra = CapabilityClaims(request.claims);
  if (!scope.empty()) extra["scope"] = scope;
  Json body = dependencies_.issuer.Issue(request, audience, extra);
  if (!scope.empty()) body["scope"] = scope;
  return body;
}

}  // namespace tokensvc::devauth
