// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/token_endpoint.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/authority/client_authentication.h"
#include "tests/authority/encoding.h"
#include "tests/authority/jwt.h"

namespace tokensvc::devauth {
namespace {

constexpr size_t kMaxReplayEntries = 200'000;

bool IsFormContentType(absl::string_view content_type) {
  const absl::string_view type = content_type.substr(0, content_type.find(';'));
  return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(type),
                                "application/x-www-form-urlencoded");
}

OAuthError BadRequest(absl::string_view message) { return EntraError(900144, message); }

// What RFC 6749 and RFC 7231 ask of any token request, before what the form says.
std::optional<OAuthError> CheckMessage(const HttpRequest& http, const absl::StatusOr<Form>& form) {
  if (http.method != "POST") return EntraError(900561);
  if (http.repeated_header) return BadRequest("A header occurs twice.");
  if (!IsFormContentType(http.Header("content-type"))) {
    return BadRequest("The content type is not application/x-www-form-urlencoded.");
  }
  const absl::StatusOr<Form> query = ParseQuery(http.query);
  if (!query.ok()) return BadRequest("The query is malformed.");
  for (const char* name : {"client_id", "client_secret", "client_assertion", "grant_type"}) {
    if (query->count(name) != 0) {
      return BadRequest("Credentials and grants are not accepted in the query.");
    }
  }
  if (!form.ok()) {
    return BadRequest(absl::StrCat("The request body is refused: ", form.status().message(), "."));
  }
  return std::nullopt;
}

std::optional<OAuthError> ReadClaims(const Form& form, Json& out) {
  const auto it = form.find("claims");
  if (it == form.end()) return std::nullopt;
  std::optional<Json> claims = ParseStrictJson(it->second);
  if (!claims || !claims->is_object()) {
    return EntraError(9000410, "The 'claims' parameter is not a JSON object.");
  }
  out = *std::move(claims);
  return std::nullopt;
}

// AD FS knows RS256 and `x5t` only.
std::optional<OAuthError> CheckAdfsAssertion(const Form& form) {
  const auto assertion = form.find("client_assertion");
  if (assertion == form.end()) return std::nullopt;
  const std::optional<ParsedJwt> jwt = ParseJwt(assertion->second);
  if (jwt && StringMember(jwt->header, "alg") == "RS256" && jwt->header.contains("x5t")) {
    return std::nullopt;
  }
  return EntraError(5002730, "The client assertion's signature is not supported.");
}

// Entra's words for what RFC 6749 §5.2 calls otherwise.
OAuthError ForOidc(OAuthError error) {
  if (error.aadsts == 700016) {
    error.error = "invalid_client";
    error.http_status = 401;
  }
  return error;
}

}  // namespace

TokenEndpoint::TokenEndpoint(const ClientRegistry& registry, TokenIssuer& issuer,
                             std::vector<Tenant> tenants, std::vector<std::string> resources)
    : registry_(registry),
      issuer_(issuer),
      tenants_(std::move(tenants)),
      grants_(MakeGrantTable({issuer, std::move(resources)})),
      replays_(kMaxReplayEntries) {}

std::variant<Json, OAuthError> TokenEndpoint::Handle(const HttpRequest& http,
                                                     const TokenRoute& route,
                                                     const absl::StatusOr<Form>& form,
                                                     const std::optional<Fault>& fault) {
  if (std::optional<OAuthError> refusal = CheckMessage(http, form)) return *std::move(refusal);
  TokenRequest request;
  request.shape = route.shape;
  request.form = *form;
  request.issuer = absl::StrCat(route.base, "/oidc");
  if (IsLikeEntra(route.shape)) {
    std::variant<std::string, OAuthError> tenant = ResolveTenant(route.tenant, tenants_);
    if (auto* refusal = std::get_if<OAuthError>(&tenant)) return std::move(*refusal);
    request.tenant_id = std::get<std::string>(std::move(tenant));
    request.issuer = absl::StrCat(route.base, "/", request.tenant_id, "/v2.0");
  }
  if (route.shape == Shape::kB2c) {
    request.issuer =
        absl::StrCat(route.base, "/tfp/", request.tenant_id, "/", route.policy, "/v2.0/");
  }
  if (route.shape == Shape::kAdfs) {
    request.issuer = absl::StrCat(route.base, "/adfs");
    if (std::optional<OAuthError> refusal = CheckAdfsAssertion(*form)) return *std::move(refusal);
  }
  const std::string grant_type = request.Parameter("grant_type");
  if (grant_type.empty()) return EntraError(900144);
  const auto grant = grants_.find(grant_type);
  if (grant == grants_.end()) return EntraError(70003);
  auto client = AuthenticateClient({*form, http.Header("authorization"), route.token_endpoint},
                                   registry_, issuer_.now(), replays_);
  if (auto* refusal = std::get_if<OAuthError>(&client)) return std::move(*refusal);
  request.client = std::get<std::shared_ptr<const RegisteredClient>>(std::move(client));
  if (std::optional<OAuthError> refusal = ReadClaims(*form, request.claims)) {
    return *std::move(refusal);
  }
  if (fault) {
    request.lifetime_seconds = fault->lifetime_seconds;
    request.same_token = fault->same_token;
  }
  return grant->second->Handle(request);
}

HttpReply RenderTokenReply(const std::variant<Json, OAuthError>& result, const HttpRequest& http,
                           Shape shape, absl::Time now) {
  HttpReply reply;
  reply.headers = {{"Cache-Control", "no-store"}, {"Pragma", "no-cache"}};
  const std::string sent_id = http.Header("client-request-id");
  if (!sent_id.empty() && absl::EqualsIgnoreCase(http.Header("return-client-request-id"), "true")) {
    reply.headers["client-request-id"] = sent_id;
  }
  if (const Json* body = std::get_if<Json>(&result)) {
    reply.body = DumpJson(*body);
    return reply;
  }
  const OAuthError& entra = std::get<OAuthError>(result);
  const OAuthError error = shape == Shape::kEntra ? entra : ForOidc(entra);
  reply.status = error.http_status;
  if (error.http_status == 405) reply.headers["Allow"] = "POST";
  if (error.http_status == 401 && !http.Header("authorization").empty()) {
    reply.headers["WWW-Authenticate"] = "Basic realm=\"token\"";  // RFC 6749 §5.2
  }
  if (shape != Shape::kEntra) {
    reply.body = DumpJson(RenderOidcError(error));
    return reply;
  }
  const Json body = RenderEntraError(error, IsGuid(sent_id) ? sent_id : RandomUuid(), now);
  reply.headers["x-ms-request-id"] = StringMember(body, "trace_id").value_or("");
  reply.body = DumpJson(body);
  return reply;
}

}  // namespace tokensvc::devauth
