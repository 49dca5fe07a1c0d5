// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/tenants.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/authority/encoding.h"

namespace tokensvc::devauth {
namespace {

bool IsLabel(absl::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
         });
}

bool IsNameOf(absl::string_view name, const Tenant& tenant) {
  return absl::EqualsIgnoreCase(name, tenant.id) ||
         std::any_of(tenant.domains.begin(), tenant.domains.end(),
                     [&](const std::string& d) { return absl::EqualsIgnoreCase(name, d); });
}

}  // namespace

bool IsTenantAlias(absl::string_view tenant) {
  const std::string lower = absl::AsciiStrToLower(tenant);
  return lower == "common" || lower == "organizations" || lower == "consumers";
}

bool IsTenantGrammar(absl::string_view tenant) {
  if (IsGuid(tenant)) return true;
  if (tenant.size() > 253) return false;
  const std::vector<absl::string_view> labels = absl::StrSplit(tenant, '.');
  return labels.size() >= 2 && std::all_of(labels.begin(), labels.end(), IsLabel);
}

std::variant<std::string, OAuthError> ResolveTenant(absl::string_view name,
                                                    const std::vector<Tenant>& tenants) {
  if (IsTenantAlias(name)) return EntraError(50059);
  if (!IsTenantGrammar(name)) return EntraError(900023);
  if (tenants.empty()) {
    const std::string lower = absl::AsciiStrToLower(name);
    return IsGuid(name) ? lower : UuidFromText(lower);
  }
  for (const Tenant& tenant : tenants) {
    if (IsNameOf(name, tenant)) return absl::AsciiStrToLower(tenant.id);
  }
  return EntraError(90002, absl::StrCat("Tenant '", name,
                                        "' not found. Check to make sure you have the correct "
                                        "tenant ID and are signing into the correct cloud."));
}

}  // namespace tokensvc::devauth
