// SPDX-License-Identifier: Apache-2.0
#include "service/authority/claims.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"

namespace tokensvc {
namespace {

Result<Json> ParseClaims(absl::string_view json, absl::string_view field) {
  if (json.size() > kMaxClaimsBytes) {
    return InvalidRequest(std::string(field),
                          absl::StrCat("is longer than ", kMaxClaimsBytes, " bytes"));
  }
  JsonLimits limits;
  limits.max_bytes = kMaxClaimsBytes;
  limits.max_depth = kMaxClaimsDepth;
  absl::StatusOr<Json> parsed = ParseJsonObject(json, limits);
  if (!parsed.ok()) {
    // The parser's text is one of a few of our own: "JSON: a duplicate member name".
    return InvalidRequest(std::string(field),
                          absl::StrCat("must be a JSON object (", parsed.status().message(), ")"));
  }
  return *std::move(parsed);
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Adds to `into` what `more` says beyond it. The depth is bounded by that of the documents.
void MergeInto(const Json& more, Json* into) {
  for (const auto& [name, value] : more.items()) {
    const auto it = into->find(name);
    if (it == into->end() || it->is_null()) {
      (*into)[name] = value;
    } else if (it->is_object() && value.is_object()) {
      MergeInto(value, &*it);
    }
  }
}

/// The member `name` of `parent`, made an object if it is something else.
Json& ObjectMember(Json& parent, const char* name) {
  Json& member = parent[name];
  if (!member.is_object()) member = Json::object();
  return member;
}

void AddCapabilities(absl::Span<const std::string> capabilities, Json* claims) {
  if (capabilities.empty()) return;
  Json& values = ObjectMember(ObjectMember(*claims, "access_token"), "xms_cc")["values"];
  if (!values.is_array()) values = Json::array();
  for (const std::string& capability : capabilities) {
    if (std::find(values.begin(), values.end(), capability) == values.end()) {
      values.push_back(capability);
    }
  }
}

}  // namespace

Result<std::string> CanonicalClaims(absl::string_view json, absl::string_view field) {
  Result<Json> parsed = ParseClaims(json, field);
  if (!parsed.ok()) return std::move(parsed).error();
  return Dump(*parsed);
}

Result<std::string> MergeClaims(absl::string_view challenge, absl::string_view client_claims,
                                absl::Span<const std::string> capabilities) {
  Json merged = Json::object();
  const std::pair<absl::string_view, const char*> sources[] = {{challenge, "claims_challenge"},
                                                               {client_claims, "client_claims"}};
  for (const auto& [text, field] : sources) {
    if (text.empty()) continue;
    Result<Json> parsed = ParseClaims(text, field);
    if (!parsed.ok()) return std::move(parsed).error();
    MergeInto(*parsed, &merged);
  }
  AddCapabilities(capabilities, &merged);
  return merged.empty() ? std::string() : Dump(merged);
}

}  // namespace tokensvc
