// SPDX-License-Identifier: Apache-2.0
#include "service/authority/token_response.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "service/authority/grammar.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxScopeBytes = std::size_t{32} << 10;

void Overwrite(Json* value) {
  if (value->is_string()) {
    const Secret overwritten(std::move(value->get_ref<std::string&>()));
  } else if (value->is_structured()) {
    for (Json& member : *value) Overwrite(&member);
  }
}

/// A document with secrets in it.
struct SecretDocument {
  explicit SecretDocument(Json parsed) : json(std::move(parsed)) {}
  ~SecretDocument() { Overwrite(&json); }
  SecretDocument(const SecretDocument&) = delete;
  SecretDocument& operator=(const SecretDocument&) = delete;

  /// The member, or nullptr if it is absent or null.
  Json* Find(const char* name) {
    const auto it = json.find(name);
    return it == json.end() || it->is_null() ? nullptr : &*it;
  }

  Json json;
};

/// Whole seconds, from a number or from a string of digits; nullopt for anything else and for less
/// than one.
std::optional<absl::Duration> Lifetime(const Json& value) {
  std::int64_t seconds = 0;
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > 0xffffffffU) return std::nullopt;
    seconds = static_cast<std::int64_t>(number);
  } else if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (!(number >= 1 && number <= 4e9)) return std::nullopt;
    seconds = static_cast<std::int64_t>(number);
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const bool digits = std::all_of(text.begin(), text.end(),
                                    [](unsigned char c) { return absl::ascii_isdigit(c); });
    if (!digits || text.size() > 10 || !absl::SimpleAtoi(text, &seconds)) return std::nullopt;
  }
  const absl::Duration lifetime = absl::Seconds(seconds);
  if (lifetime < absl::Seconds(1) || lifetime > kMaxTokenLifetime) return std::nullopt;
  return lifetime;
}

/// Moves a token out of the document. False if it is there and is not one.
bool TakeToken(Json* member, std::optional<Secret>* token) {
  if (member == nullptr) return true;
  if (!member->is_string()) return false;
  auto& text = member->get_ref<std::string&>();
  if (text.empty() || text.size() > kMaxTokenBytes || !IsVisibleAscii(text)) return false;
  token->emplace(std::move(text));
  return true;
}

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

  const absl::string_view type = StringMember(document.json, "token_type");
  if (type.empty()) return "no token_type";
  if (!absl::EqualsIgnoreCase(type, token_type)) return "another token_type than was asked for";
  result->token_type = token_type;

  const Json* const expires_in = document.Find("expires_in");
  if (expires_in == nullptr) return "no expires_in";
  const std::optional<absl::Duration> lifetime = Lifetime(*expires_in);
  if (!lifetime.has_value()) return "an expires_in that is no lifetime";
  result->expires_in = *lifetime;

  if (const Json* const member = document.Find("refresh_in"); member != nullptr) {
    const std::optional<absl::Duration> refresh_in = Lifetime(*member);
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
