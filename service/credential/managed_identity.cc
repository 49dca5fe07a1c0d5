// SPDX-License-Identifier: Apache-2.0
#include "service/credential/managed_identity.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/form_url.h"
#include "base/json.h"
#include "service/authority/retry_after.h"
#include "service/authority/token_fields.h"

namespace tokensvc {
namespace {

// A token and some names around it.
constexpr std::size_t kMaxAnswerBytes = std::size_t{128} << 10;
constexpr std::size_t kMaxDateBytes = 40;

absl::string_view ApiVersion(ManagedIdentitySource source) {
  switch (source) {
    case ManagedIdentitySource::kImds:
      return "2018-02-01";
    case ManagedIdentitySource::kAppService:
      return "2019-08-01";
    case ManagedIdentitySource::kAzureArc:
      break;
  }
  return "2019-11-01";
}

absl::string_view SelectorParameter(const ManagedIdentity& identity) {
  switch (identity.selector) {
    case ManagedIdentity::Selector::kClientId:
      return "client_id";
    case ManagedIdentity::Selector::kObjectId:
      return "object_id";
    case ManagedIdentity::Selector::kResourceId:
      return identity.source == ManagedIdentitySource::kAppService ? "mi_res_id" : "msi_res_id";
    case ManagedIdentity::Selector::kSystemAssigned:
      break;
  }
  return "";
}

constexpr absl::string_view kUnknownResource =
    ": it does not know the resource (for a credential, the audience)";

std::string Who(ManagedIdentitySource source) {
  return absl::StrCat("the managed identity endpoint (", ManagedIdentitySourceName(source), ")");
}

/// When a token ends: seconds since 1970, as a number or as digits, or one of the ways in which App
/// Service has written a date.
std::optional<absl::Time> ReadExpiresOn(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto seconds = value.get<std::uint64_t>();
    if (seconds > 0xffffffffffU) return std::nullopt;
    return absl::FromUnixSeconds(static_cast<std::int64_t>(seconds));
  }
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty() || text.size() > kMaxDateBytes) return std::nullopt;
  if (std::all_of(text.begin(), text.end(),
                  [](unsigned char c) { return absl::ascii_isdigit(c); })) {
    std::int64_t seconds = 0;
    if (text.size() > 12 || !absl::SimpleAtoi(text, &seconds)) return std::nullopt;
    return absl::FromUnixSeconds(seconds);
  }
  // Beside RFC 3339, of which the time zone must be there: from Linux and from Windows.
  for (const char* format :
       {"%Y-%m-%d%ET%H:%M:%E*S%Ez", "%m/%d/%Y %H:%M:%S %Ez", "%m/%d/%Y %I:%M:%S %p %Ez"}) {
    absl::Time time;
    if (absl::ParseTime(format, text, &time, nullptr)) return time;
  }
  return std::nullopt;
}

/// What an error response says, as far as it is one of a few things that an operator can act on.
absl::string_view Explain(const HttpResponse& response) {
  JsonLimits limits;
  limits.max_depth = 8;
  limits.max_values = 1000;
  absl::StatusOr<Json> body = ParseJsonObject(response.body.Reveal(), limits);
  if (!body.ok()) return "";
  SecretDocument document(*std::move(body));
  const absl::string_view error = StringMember(document.json(), "error");
  // App Service says `message` instead.
  const std::string text =
      absl::AsciiStrToLower(absl::StrCat(StringMember(document.json(), "error_description"), " ",
                                         StringMember(document.json(), "message")));
  if (absl::StrContains(text, "identity not found") ||
      absl::StrContains(text, "no managed identity found") ||
      absl::StrContains(text, "identity not assigned")) {
    return ": the identity is not assigned to this machine or app";
  }
  return error == "invalid_resource" || error == "invalid_scope" ? kUnknownResource : "";
}

Error Refused(ManagedIdentitySource source, const HttpResponse& response, absl::Time now) {
  const std::string who = Who(source);
  const std::optional<absl::Duration> header = ParseRetryAfter(response.Header("retry-after"), now);
  const absl::Duration retry_after = header.value_or(kDefaultRetryAfter);
  const int status = response.status;
  Error error;
  if (status == 429) {
    error.code = absl::StatusCode::kResourceExhausted;
    error.reason = Reason::kThrottled;
    error.message = absl::StrCat(who, " throttles");
    error.retry_after = retry_after;
  } else if (status >= 500 || status == 404 || status == 408 || status == 410) {
    // 404 and 410 are what IMDS answers while it is updated.
    error =
        AuthorityUnavailable(absl::StrCat(who, " is unavailable (HTTP ", status, ")"), retry_after);
  } else if (status == 400 || status == 401 || status == 403) {
    const absl::string_view why = Explain(response);
    const std::string message = absl::StrCat(who, " refuses the request (HTTP ", status, ")", why);
    if (why != kUnknownResource) return RegistrationMisconfigured(message);
    error = InvalidRequest("scopes", "names a resource that the platform does not know");
    error.reason = Reason::kScopeNotAccepted;
    error.message = message;
    return error;
  } else {
    return AuthorityResponseInvalid(
        absl::StrCat(who, " sent an answer that is no token response (HTTP ", status, ")"),
        retry_after);
  }
  error.authority_said_when = header.has_value();
  return error;
}

/// Fills `result`; returns what is wrong, in our words, or nullptr.
const char* Fill(SecretDocument& document, absl::Time asked_at, ManagedIdentityToken* result) {
  std::optional<Secret> token;
  if (!TakeToken(document.Find("access_token"), &token)) return "a malformed access_token";
  if (!token.has_value()) return "no access_token";
  result->token = *std::move(token);
  if (const Json* const type = document.Find("token_type"); type != nullptr) {
    if (!type->is_string() ||
        !absl::EqualsIgnoreCase(type->get_ref<const std::string&>(), "Bearer")) {
      return "a token_type that is not Bearer";
    }
  }
  const Json* const expires_in = document.Find("expires_in");
  const Json* const expires_on = document.Find("expires_on");
  if (expires_in != nullptr) {
    const std::optional<absl::Duration> life = ReadLifetime(*expires_in);
    if (!life.has_value()) return "an expires_in that is no lifetime";
    result->expires_in = *life;
    return nullptr;
  }
  if (expires_on == nullptr) return "neither expires_in nor expires_on";
  const std::optional<absl::Time> end = ReadExpiresOn(*expires_on);
  if (!end.has_value()) return "an expires_on that is no time";
  result->expires_in = *end - asked_at;
  if (result->expires_in < absl::Seconds(1)) return "a token that has expired";
  if (result->expires_in > kMaxTokenLifetime) return "an expires_on that is too far away";
  return nullptr;
}

}  // namespace

absl::string_view ManagedIdentitySourceName(ManagedIdentitySource source) {
  switch (source) {
    case ManagedIdentitySource::kImds:
      return "IMDS";
    case ManagedIdentitySource::kAppService:
      return "APP_SERVICE";
    case ManagedIdentitySource::kAzureArc:
      break;
  }
  return "AZURE_ARC";
}

std::string ManagedIdentityName(const ManagedIdentity& identity) {
  return absl::StrCat(ManagedIdentitySourceName(identity.source), " ", identity.endpoint, " ",
                      SelectorParameter(identity), "=", identity.id);
}

HttpRequest MakeManagedIdentityRequest(const ManagedIdentity& identity, absl::string_view resource,
                                       const Secret& proof) {
  HttpRequest request;
  request.trust = AddressTrust::kPlatform;
  request.max_body_bytes = kMaxAnswerBytes;
  std::string query;
  AppendFormField("api-version", ApiVersion(identity.source), &query);
  AppendFormField("resource", resource, &query);
  const absl::string_view selector = SelectorParameter(identity);
  if (!selector.empty()) AppendFormField(selector, identity.id, &query);
  request.url = absl::StrCat(identity.endpoint, "?", query);
  if (identity.source == ManagedIdentitySource::kAppService) {
    request.headers.emplace_back("X-IDENTITY-HEADER", proof.Clone());
  } else {
    // Keeps requests out that somebody talked another program into: those can't set it.
    request.headers.emplace_back("Metadata", Secret::CopyOf("true"));
    if (!proof.empty()) {
      request.headers.emplace_back("Authorization", Secret(absl::StrCat("Basic ", proof.Reveal())));
    }
  }
  return request;
}

Result<ManagedIdentityToken> ParseManagedIdentityAnswer(ManagedIdentitySource source,
                                                        const HttpResponse& response,
                                                        absl::Time asked_at) {
  if (response.status != 200) return Refused(source, response, asked_at);
  JsonLimits limits;
  limits.max_values = 1000;
  absl::StatusOr<Json> parsed = ParseJsonObject(response.body.Reveal(), limits);
  if (!parsed.ok()) {
    return AuthorityResponseInvalid(absl::StrCat(Who(source), " sent an answer that is refused (",
                                                 parsed.status().message(), ")"),
                                    kDefaultRetryAfter);
  }
  SecretDocument document(*std::move(parsed));
  ManagedIdentityToken result;
  if (const char* const wrong = Fill(document, asked_at, &result); wrong != nullptr) {
    return AuthorityResponseInvalid(absl::StrCat(Who(source), " sent an answer with ", wrong),
                                    kDefaultRetryAfter);
  }
  return result;
}

}  // namespace tokensvc
