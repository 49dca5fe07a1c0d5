// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/printing.h"

#include <cstdint>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/tokenctl/row_text.h"
#include "client/tokenctl/terminal_text.h"

namespace tokensvc::tokenctl {
namespace {

/// `TOKEN_SOURCE_LOCAL_CACHE` → `local_cache`; a number that this version has no name for →
/// `unknown`.
std::string EnumWord(absl::string_view name, absl::string_view prefix) {
  if (!absl::ConsumePrefix(&name, prefix)) return "unknown";
  return absl::AsciiStrToLower(name);
}

std::string WithSpaces(std::string word) {
  for (char& c : word) {
    if (c == '_') c = ' ';
  }
  return word;
}

std::string SourceWord(v1::TokenSource source) {
  return EnumWord(v1::TokenSource_Name(source), "TOKEN_SOURCE_");
}

/// Empty where the token came from a cache and nothing was wrong with it.
std::string ReasonWord(v1::RefreshReason reason) {
  if (reason == v1::REFRESH_REASON_UNSPECIFIED) return "";
  return EnumWord(v1::RefreshReason_Name(reason), "REFRESH_REASON_");
}

std::string TypeName(v1::TokenType type) {
  return type == v1::TOKEN_TYPE_UNSPECIFIED || type == v1::TOKEN_TYPE_BEARER ? "Bearer" : "unknown";
}

/// The scheme stays readable where it is one; everything behind it, and all of any other value,
/// does not.
std::string RedactedHeaderValue(absl::string_view value) {
  for (const absl::string_view scheme : {"Bearer ", "PoP ", "DPoP "}) {
    if (absl::StartsWith(value, scheme)) {
      return absl::StrCat(scheme, "<redacted, ", value.size() - scheme.size(), " bytes>");
    }
  }
  return absl::StrCat("<redacted, ", value.size(), " bytes>");
}

/// A NumericDate claim (RFC 7519 §2) where it is a number that a time can hold.
void AppendDateClaim(const Json& claims, const char* claim, const char* name, absl::Time now,
                     std::string* text) {
  const auto found = claims.find(claim);
  if (found == claims.end() || !found->is_number()) return;
  const double seconds = found->get<double>();
  if (!(seconds > -6e10 && seconds < 2.5e11)) return;  // Years 69 to 9892.
  AppendRow(name, TimeText(absl::FromUnixSeconds(static_cast<std::int64_t>(seconds)), now), text);
}

void AppendJwt(const DecodedJwt& jwt, std::string* text) {
  AppendBlock("header", JsonText(jwt.header), text);
  AppendBlock("claims", JsonText(jwt.claims), text);
}

/// The fields that both answers share, under the same names.
template <class Response>
void AppendOrigin(const Response& response, absl::Time now, std::string* text) {
  AppendRow("source", SourceName(response.source()), text);
  const std::string reason = ReasonWord(response.refresh_reason());
  AppendRow("refreshed", reason.empty() ? "no (cached, nothing wrong with it)" : WithSpaces(reason),
            text);
  if (response.has_near_cache_until()) {
    AppendRow("keep until", TimeText(ToTime(response.near_cache_until()), now), text);
  }
  AppendRow("correlation", response.correlation_id(), text);
}

template <class Response>
void AddOrigin(const Response& response, Json* json) {
  (*json)["source"] = SourceWord(response.source());
  (*json)["refresh_reason"] = ReasonWord(response.refresh_reason());
  (*json)["correlation_id"] = response.correlation_id();
  if (response.has_near_cache_until()) {
    (*json)["near_cache_until"] = AbsoluteTime(ToTime(response.near_cache_until()));
  }
}

/// `expires_at` and `refresh_at`, of a token or of an answer with headers.
template <class Timed>
void AppendTimes(const Timed& timed, absl::Time now, std::string* text) {
  if (timed.has_expires_at()) {
    AppendRow("expires", TimeText(ToTime(timed.expires_at()), now), text);
  }
  if (timed.has_refresh_at()) {
    AppendRow("refresh", TimeText(ToTime(timed.refresh_at()), now), text);
  }
}

template <class Timed>
void AddTimes(const Timed& timed, absl::Time now, Json* json) {
  if (timed.has_expires_at()) {
    const absl::Time expires = ToTime(timed.expires_at());
    (*json)["expires_at"] = AbsoluteTime(expires);
    (*json)["expires_in_seconds"] = absl::ToInt64Seconds(expires - now);
  }
  if (timed.has_refresh_at()) {
    (*json)["refresh_at"] = AbsoluteTime(ToTime(timed.refresh_at()));
  }
}

}  // namespace

std::string SourceName(v1::TokenSource source) { return WithSpaces(SourceWord(source)); }

std::string TimeText(absl::Time time, absl::Time now) {
  return absl::StrCat(AbsoluteTime(time), " (", RelativeTime(time, now), ")");
}

std::string AcquireText(const v1::AcquireForClientResponse& response, bool show_token,
                        absl::Time now) {
  const v1::AccessToken& token = response.access_token();
  const absl::StatusOr<DecodedJwt> jwt = DecodeJwtUnverified(token.value());
  std::string text = absl::StrCat(TypeName(token.token_type()), " token, ",
                                  jwt.ok() ? "a JWT" : "opaque", ", ", token.value().size(),
                                  " bytes", show_token ? "\n" : " (--show-token prints it)\n");
  AppendTimes(token, now, &text);
  AppendRow("scopes", absl::StrJoin(token.granted_scopes(), " "), &text);
  AppendRow("tenant", token.tenant(), &text);
  AppendOrigin(response, now, &text);
  if (jwt.ok()) AppendJwt(*jwt, &text);
  if (show_token) {
    absl::StrAppend(&text, "  token\n",
                    EscapeForTerminal(token.value(), std::numeric_limits<std::size_t>::max()),
                    "\n");
  }
  return text;
}

std::string AcquireJson(const v1::AcquireForClientResponse& response, bool show_token,
                        absl::Time now) {
  const v1::AccessToken& token = response.access_token();
  Json access_token = {{"token_type", TypeName(token.token_type())},
                       {"value_bytes", token.value().size()},
                       {"tenant", token.tenant()}};
  access_token["granted_scopes"] = Json::array();
  for (const std::string& scope : token.granted_scopes()) {
    access_token["granted_scopes"].push_back(scope);
  }
  AddTimes(token, now, &access_token);
  const absl::StatusOr<DecodedJwt> jwt = DecodeJwtUnverified(token.value());
  if (jwt.ok()) access_token["jwt"] = Json{{"header", jwt->header}, {"claims", jwt->claims}};
  if (show_token) access_token["value"] = token.value();
  Json json;
  json["access_token"] = std::move(access_token);
  AddOrigin(response, &json);
  return JsonText(json) + "\n";
}

std::string HeaderText(const v1::CreateAuthorizationHeaderResponse& response, bool show_token,
                       absl::Time now) {
  std::string text;
  for (const v1::Header& header : response.headers()) {
    absl::StrAppend(&text, EscapeForTerminal(header.name()), ": ",
                    show_token
                        ? EscapeForTerminal(header.value(), std::numeric_limits<std::size_t>::max())
                        : EscapeForTerminal(RedactedHeaderValue(header.value())),
                    "\n");
  }
  AppendTimes(response, now, &text);
  AppendOrigin(response, now, &text);
  return text;
}

std::string HeaderJson(const v1::CreateAuthorizationHeaderResponse& response, bool show_token,
                       absl::Time now) {
  Json json;
  json["headers"] = Json::array();
  for (const v1::Header& header : response.headers()) {
    Json entry = {{"name", header.name()}, {"value_bytes", header.value().size()}};
    if (show_token) entry["value"] = header.value();
    json["headers"].push_back(std::move(entry));
  }
  AddTimes(response, now, &json);
  AddOrigin(response, &json);
  return JsonText(json) + "\n";
}

std::string DecodedText(const DecodedJwt& jwt, absl::Time now) {
  std::string text = "JWT; its signature was NOT verified: believe nothing in it\n";
  AppendDateClaim(jwt.claims, "iat", "issued", now, &text);
  AppendDateClaim(jwt.claims, "nbf", "not before", now, &text);
  AppendDateClaim(jwt.claims, "exp", "expires", now, &text);
  AppendJwt(jwt, &text);
  return text;
}

std::string DecodedJson(const DecodedJwt& jwt) {
  Json json = {{"signature_verified", false}, {"header", jwt.header}, {"claims", jwt.claims}};
  return JsonText(json) + "\n";
}

}  // namespace tokensvc::tokenctl
