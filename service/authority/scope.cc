// SPDX-License-Identifier: Apache-2.0
#include "service/authority/scope.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "service/authority/http_url.h"

namespace tokensvc {
namespace {

constexpr absl::string_view kDefault = "/.default";
constexpr absl::string_view kWhatToWrite =
    "write the resource and `/.default`, for example `https://graph.microsoft.com/.default`";
// All details of a status together stay under 4 KiB (DESIGN.md §3).
constexpr std::size_t kMaxViolationBytes = 2048;
constexpr std::size_t kMaxEchoed = 256;

std::string InCase(absl::string_view scope, ScopeRule rule) {
  return rule == ScopeRule::kEntraDefault ? absl::AsciiStrToLower(scope) : std::string(scope);
}

bool IsScopeToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
}

/// Says what is wrong with one scope by RFC 6749 §3.3, or nothing.
std::optional<std::string> Malformation(absl::string_view scope) {
  if (scope.size() <= kMaxScopeLength && IsScopeToken(scope)) return std::nullopt;
  if (absl::StripAsciiWhitespace(scope).empty()) return "must not be empty";
  if (scope.size() > kMaxScopeLength) {
    return absl::StrCat("is longer than ", kMaxScopeLength, " characters");
  }
  if (scope.find(' ') != absl::string_view::npos) {
    return "has a space in it: write one scope per element";
  }
  return "has a character that no scope may have (RFC 6749 section 3.3: printable ASCII without "
         "space, quote and backslash)";
}

std::string Echo(absl::string_view scope) {
  return scope.size() <= kMaxEchoed ? absl::StrCat("`", scope, "`") : std::string("this scope");
}

/// Says what is wrong with a well-formed scope of an app at Entra, as AADSTS70011 and 1002012 do.
std::optional<std::string> EntraRefusal(absl::string_view scope) {
  const auto is = [scope](absl::string_view other) { return absl::EqualsIgnoreCase(scope, other); };
  if (is(".default") || is(kDefault)) {
    return absl::StrCat(Echo(scope), " names no resource: ", kWhatToWrite);
  }
  if (absl::EndsWithIgnoreCase(scope, kDefault)) return std::nullopt;
  if (is("openid") || is("profile") || is("email") || is("offline_access")) {
    return absl::StrCat(Echo(scope), " is for users, and an app has none: ", kWhatToWrite);
  }
  const std::string refusal = absl::StrCat(
      Echo(scope),
      " is not valid for an app's own token, which has all permissions that were granted to "
      "the app on one resource: ");
  // `https://host/Permission` tells which resource is meant; a bare `user.read` does not.
  const std::optional<HttpUrl> url = ParseHttpUrl(scope);
  if (url.has_value() && scope.size() <= kMaxEchoed) {
    return absl::StrCat(refusal, "write `", url->Origin(), kDefault, "`");
  }
  return absl::StrCat(refusal, kWhatToWrite);
}

void CheckEntra(absl::Span<const absl::string_view> scopes,
                std::vector<FieldViolation>* violations) {
  absl::string_view first;
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    if (Malformation(scopes[i]).has_value()) continue;
    if (std::optional<std::string> refusal = EntraRefusal(scopes[i]); refusal.has_value()) {
      violations->push_back({absl::StrCat("scopes[", i, "]"), std::move(*refusal)});
      continue;
    }
    if (first.empty()) first = scopes[i];
    if (!absl::EqualsIgnoreCase(scopes[i], first)) {
      violations->push_back(
          {absl::StrCat("scopes[", i, "]"),
           "names a second resource: a token is for one; ask for each on its own"});
    }
  }
}

Error Refuse(std::vector<FieldViolation> violations, bool malformed) {
  Error error = InvalidRequest("scopes", "");
  error.violations.clear();
  if (!malformed) {
    error.reason = Reason::kScopeNotAccepted;
    error.message = "the authority would not accept these scopes for an app token";
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < violations.size(); ++i) {
    bytes += violations[i].field.size() + violations[i].description.size();
    if (bytes > kMaxViolationBytes) {
      error.violations.push_back(
          {"scopes", absl::StrCat("and ", violations.size() - i, " more elements like these")});
      break;
    }
    error.violations.push_back(std::move(violations[i]));
  }
  return error;
}

}  // namespace

ScopeSet::ScopeSet(absl::Span<const absl::string_view> scopes, ScopeRule rule) {
  if (scopes.size() == 1) {  // nearly always; every call makes one
    sent_ = std::string(scopes[0]);
    canonical_ = InCase(scopes[0], rule);
    return;
  }
  std::map<std::string, absl::string_view> by_canonical;
  for (const absl::string_view scope : scopes) by_canonical.emplace(InCase(scope, rule), scope);
  const auto join = [](absl::string_view scope, std::string* joined) {
    absl::StrAppend(joined, joined->empty() ? "" : " ", scope);
  };
  for (const auto& [canonical, scope] : by_canonical) {
    join(canonical, &canonical_);
    join(scope, &sent_);
  }
}

Result<ScopeSet> ParseAppScopes(absl::Span<const absl::string_view> scopes,
                                const AuthorityProfile& profile) {
  const bool entra = profile.scope_rule == ScopeRule::kEntraDefault;
  std::vector<FieldViolation> violations;
  if (scopes.empty()) {
    violations.push_back({"scopes", absl::StrCat("must not be empty", entra ? ": " : "",
                                                 entra ? kWhatToWrite : "")});
    return Refuse(std::move(violations), /*malformed=*/true);
  }
  if (scopes.size() > kMaxScopes) {
    // Not looked at one by one: whoever sends thousands gets one line.
    violations.push_back({"scopes", absl::StrCat("has more than ", kMaxScopes, " elements")});
    return Refuse(std::move(violations), /*malformed=*/true);
  }
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    if (std::optional<std::string> what = Malformation(scopes[i]); what.has_value()) {
      violations.push_back({absl::StrCat("scopes[", i, "]"), std::move(*what)});
    }
  }
  const bool malformed = !violations.empty();
  if (entra) CheckEntra(scopes, &violations);
  if (!violations.empty()) return Refuse(std::move(violations), malformed);
  return ScopeSet(scopes, profile.scope_rule);
}

ScopeSet SplitScopes(absl::string_view joined, ScopeRule rule) {
  const std::vector<absl::string_view> scopes = absl::StrSplit(joined, ' ', absl::SkipEmpty());
  return ScopeSet(scopes, rule);
}

absl::string_view ResourceOfDefaultScope(absl::string_view scope) {
  return absl::EndsWithIgnoreCase(scope, kDefault) ? scope.substr(0, scope.size() - kDefault.size())
                                                   : scope;
}

}  // namespace tokensvc
