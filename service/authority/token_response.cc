// SPDX-License-Identifier: Apache-2.0
#include "service/authority/token_response.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "service/authority/token_fields.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxScopeBytes = std::size_t{32} << 10;

bool IsScopeText(const std::string& text) {
  return text.size() <= kMaxScopeBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// Fills `result`; returns what is wrong, in our words, or nullptr.
const char* Fill(SecretDocument& document, const std::string& token_type, TokenResponse* result) {
  std::optional<Secret> access_token;
  if (!TakeToken(document.Find("access_token"), &access_token)) return "a malformed access_token";
  if (!access_token.has_value()) return "no access_token";
  result->access_token = *std::move(access_token);

  const absl::string_view type = StringMember(document.json(), "token_type");
  if (type.empty()) return "no token_type";
  if (!absl::EqualsIgnoreCase(type, token_type)) return "another token_type than was asked for";
  result->token_type = token_type;

  const Json* const expires_in = document.Find("expires_in");
  if (expires_in == nullptr) return "no expires_in";
  const std::optional<absl::Duration> lifetime = ReadLifetime(*expires_in);
  if (!lifetime.has_value()) return "an expires_in that is no lifetime";
  result->expires_in = *lifetime;

  if (const Json* const member = document.Find("refresh_in"); member != nullptr) {
    const std::optional<absl::Duration> refresh_in = ReadLifetime(*member);
    if (refresh_in.has_value() && *refresh_in < *lifetime) result->refresh_in = refresh_in;
  }
  if (const Json* const scope = document.Find("scope"); scope != nullptr) {
    if (!scope->is_string() || !IsScopeText(scope->get_ref<const std::string&>())) {
      return "a malformed scope";
    }
    result->scope = scope->get<std::string>();
  }
  if (!TakeToken(document.Find("refresh_token"), &result->refresh_token)) {
    return "a malformed refresh_token";
  }
  if (!TakeToken(document.Find("id_token"), &result->id_token)) return "a malformed id_token";
  if (!TakeToken(document.Find("client_info"), &result->client_info)) {
    return "a malformed client_info";
  }
  return nullptr;
}

}  // namespace

Result<TokenResponse> ParseTokenResponse(const HttpResponse& response,
                                         const ExchangeContext& context) {
  if (response.status != 200) return ErrorFromResponse(response, context);
  JsonLimits limits;
  limits.max_values = 4096;
  absl::StatusOr<Json> parsed = ParseJsonObject(response.body.Reveal(), limits);
  const std::string who = absl::StrCat("authority \"", context.authority, "\"");
  if (!parsed.ok()) {
    // The parser's text is one of a few of our own: "JSON: a duplicate member name".
    return AuthorityResponseInvalid(
        absl::StrCat(who, " sent a token response that is refused (",
                     response.body.empty() ? "empty" : parsed.status().message(), ")"),
        kDefaultRetryAfter);
  }
  SecretDocument document(*std::move(parsed));
  if (document.Find("access_token") == nullptr && document.Find("error") != nullptr) {
    return ErrorFromResponse(response, context);
  }
  TokenResponse result;
  if (const char* const wrong = Fill(document, context.token_type, &result); wrong != nullptr) {
    return AuthorityResponseInvalid(absl::StrCat(who, " sent a token response with ", wrong),
                                    kDefaultRetryAfter);
  }
  return result;
}

}  // namespace tokensvc
