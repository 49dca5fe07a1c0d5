// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/host_name.h"
#include "service/config/address.h"
#include "service/config/validate.h"

namespace tokensvc {
namespace {

// What the service sets itself, or what has a field of its own in the request: a caller that could
// set one of these as an extra parameter would choose the client, the grant or the scope past every
// check.
constexpr std::array<absl::string_view, 26> kReservedParameters = {"actor_token",
                                                                   "actor_token_type",
                                                                   "assertion",
                                                                   "audience",
                                                                   "claims",
                                                                   "client_assertion",
                                                                   "client_assertion_type",
                                                                   "client_id",
                                                                   "client_secret",
                                                                   "code",
                                                                   "code_verifier",
                                                                   "device_code",
                                                                   "grant_type",
                                                                   "password",
                                                                   "redirect_uri",
                                                                   "refresh_token",
                                                                   "req_cnf",
                                                                   "request",
                                                                   "requested_token_type",
                                                                   "requested_token_use",
                                                                   "resource",
                                                                   "scope",
                                                                   "subject_token",
                                                                   "subject_token_type",
                                                                   "token_type",
                                                                   "username"};

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("_.-", c);
  });
}

std::string ProblemOfTenant(absl::string_view tenant) {
  if (tenant == "common" || tenant == "organizations" || tenant == "consumers") {
    return "names no single tenant (common, organizations and consumers are for signing users in): "
           "write a tenant's GUID or domain";
  }
  if (!IsTenant(tenant)) {
    return "must be a tenant's GUID or its domain, such as contoso.onmicrosoft.com";
  }
  return "";
}

const config::v1::Authority* FindAuthority(const config::v1::ServiceConfig& config,
                                           const std::string& name) {
  for (const config::v1::Authority& authority : config.authorities()) {
    if (authority.name() == name) return &authority;
  }
  return nullptr;
}

class RegistrationValidator {
 public:
  RegistrationValidator(std::string path, config::v1::Registration* registration,
                        ConfigReporter* reporter)
      : path_(std::move(path)), registration_(*registration), reporter_(*reporter) {}

  void ValidateTenants() {
    std::set<std::string> tenants;
    for (int i = 0; i < registration_.tenants_size(); ++i) {
      std::string& tenant = *registration_.mutable_tenants(i);
      const std::string path = absl::StrCat(path_, ".tenants[", i, "]");
      absl::AsciiStrToLower(&tenant);
      if (tenant.empty()) continue;
      if (tenant == "*") {
        if (registration_.tenants_size() > 1) {
          reporter_.Report(path, "\"*\" means any tenant: write it alone, or remove it");
        }
        continue;
      }
      if (std::string problem = ProblemOfTenant(tenant); !problem.empty()) {
        reporter_.Report(path, std::move(problem));
      } else if (!tenants.insert(tenant).second) {
        reporter_.Report(path, "is in the list already");
      }
    }
  }

  void ValidateDefaultTenant() {
    std::string& tenant = *registration_.mutable_default_tenant();
    absl::AsciiStrToLower(&tenant);
    if (tenant.empty()) return;
    const std::string path = path_ + ".default_tenant";
    if (std::string problem = ProblemOfTenant(tenant); !problem.empty()) {
      reporter_.Report(path, std::move(problem));
      return;
    }
    if (reporter_.Broken(path_ + ".tenants")) return;
    const auto& tenants = registration_.tenants();
    if (std::find(tenants.begin(), tenants.end(), "*") == tenants.end() &&
        std::find(tenants.begin(), tenants.end(), tenant) == tenants.end()) {
      reporter_.Report(path, "must be one of tenants");
    }
  }

  void ValidateForEntra() {
    if (registration_.tenants_size() == 0) {
      reporter_.Report(
          path_ + ".tenants",
          "is missing or empty: list the tenants that tokens may be asked for, or write "
          "[\"*\"] for any");
    }
  }

  void RefuseMutualTls() {
    for (int i = 0; i < registration_.credentials_size(); ++i) {
      if (!registration_.credentials(i).has_mutual_tls()) continue;
      reporter_.Report(absl::StrCat(path_, ".credentials[", i, "].mutual_tls"),
                       "is for oidc authorities only: Microsoft's take no client certificate in "
                       "place of an assertion. Write certificate instead");
    }
  }

  void ValidateManagedIdentities(const config::v1::Authority* authority) {
    for (int i = 0; i < registration_.credentials_size(); ++i) {
      if (!registration_.credentials(i).has_managed_identity()) continue;
      const config::v1::ManagedIdentity& identity = registration_.credentials(i).managed_identity();
      const std::string path = absl::StrCat(path_, ".credentials[", i, "].managed_identity");
      ValidateManagedIdentity(identity, path, &reporter_);
      if (authority != nullptr && !authority->has_entra() && identity.audience().empty() &&
          !reporter_.Broken(path + ".audience")) {
        reporter_.Report(path + ".audience",
                         "is missing: only Entra's authorities have one that is usual");
      }
    }
  }

  /// `kind` is what the authority is instead of Entra.
  void ValidateForOthers(absl::string_view kind) {
    const auto refuse = [this, kind](bool given, absl::string_view key) {
      if (given) {
        reporter_.Report(
            absl::StrCat(path_, ".", key),
            absl::StrCat("is for Entra authorities only, and this one is ", kind, ": remove it"));
      }
    };
    refuse(registration_.tenants_size() > 0, "tenants");
    refuse(!registration_.default_tenant().empty(), "default_tenant");
    refuse(registration_.client_capabilities_size() > 0, "client_capabilities");
  }

  void ValidateClient() {
    if (registration_.client_id().empty() && !reporter_.Broken(path_ + ".client_id")) {
      reporter_.Report(path_ + ".client_id", "is missing: write the client's id at the authority");
    }
    if (registration_.credentials_size() == 0 && !reporter_.Broken(path_ + ".credentials")) {
      reporter_.Report(path_ + ".credentials",
                       "is missing or empty: there must be at least 1 entry, such as secret");
    }
  }

  void ValidateForManagedIdentity() {
    const auto refuse = [this](bool given, absl::string_view key) {
      if (given) {
        reporter_.Report(absl::StrCat(path_, ".", key),
                         "has no meaning where the authority is a managed identity: remove it");
      }
    };
    refuse(!registration_.client_id().empty(), "client_id");
    refuse(registration_.credentials_size() > 0, "credentials");
    refuse(registration_.extra_parameters_size() > 0, "extra_parameters");
    refuse(registration_.client_claims() == config::v1::CLIENT_CLAIMS_ALLOWED, "client_claims");
  }

  void ValidateLists() {
    std::set<std::string> capabilities;
    for (int i = 0; i < registration_.client_capabilities_size(); ++i) {
      ValidateToken(registration_.client_capabilities(i), "client_capabilities", i, &capabilities);
    }
    std::set<std::string> parameters;
    for (int i = 0; i < registration_.extra_parameters_size(); ++i) {
      const std::string& parameter = registration_.extra_parameters(i);
      ValidateToken(parameter, "extra_parameters", i, &parameters);
      // Without case: some authorities compare the names so.
      const auto* reserved = std::find(kReservedParameters.begin(), kReservedParameters.end(),
                                       absl::AsciiStrToLower(parameter));
      if (reserved != kReservedParameters.end()) {
        reporter_.Report(
            absl::StrCat(path_, ".extra_parameters[", i, "]"),
            "is set by the service, or has a field of its own in the request: remove it");
      }
    }
  }

 private:
  void ValidateToken(const std::string& text, absl::string_view key, int index,
                     std::set<std::string>* seen) {
    const std::string path = absl::StrCat(path_, ".", key, "[", index, "]");
    if (text.empty()) return;
    if (!IsToken(text)) {
      reporter_.Report(path, "must be letters, digits, dots, hyphens and underscores only");
    } else if (!seen->insert(text).second) {
      reporter_.Report(path, "is in the list already");
    }
  }

  std::string path_;
  config::v1::Registration& registration_;
  ConfigReporter& reporter_;
};

}  // namespace

bool IsGuid(absl::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const auto c = static_cast<unsigned char>(text[i]);
    if (hyphen ? c != '-' : !absl::ascii_isxdigit(c)) return false;
  }
  return true;
}

bool IsTenant(absl::string_view text) {
  for (const char c : text) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c))) return false;
  }
  if (IsGuid(text)) return true;
  const std::size_t last_dot = text.rfind('.');
  if (last_dot == absl::string_view::npos || !IsHostName(text)) return false;
  // An IPv4 address is a host name by its letters, and no domain.
  return text.substr(last_dot + 1).find_first_not_of("0123456789") != absl::string_view::npos;
}

void ValidateRegistration(int index, config::v1::ServiceConfig* config, ConfigReporter* reporter) {
  config::v1::Registration* registration = config->mutable_registrations(index);
  const std::string path = absl::StrCat("registrations[", index, "]");
  RegistrationValidator validator(path, registration, reporter);
  validator.ValidateTenants();
  validator.ValidateDefaultTenant();
  validator.ValidateLists();

  const config::v1::Authority* authority = registration->authority().empty()
                                               ? nullptr
                                               : FindAuthority(*config, registration->authority());
  if (authority != nullptr && !authority->has_oidc()) validator.RefuseMutualTls();
  validator.ValidateManagedIdentities(authority);
  if (authority == nullptr || !authority->has_managed_identity()) validator.ValidateClient();
  if (authority == nullptr) {
    // With a broken authority around, the name may well be that one's.
    if (!registration->authority().empty() && !reporter->Broken("authorities")) {
      reporter->Report(path + ".authority", "there is no authority of this name in authorities");
    }
  } else if (authority->has_entra()) {
    validator.ValidateForEntra();
  } else if (authority->has_oidc()) {
    validator.ValidateForOthers("oidc");
  } else if (authority->has_adfs()) {
    validator.ValidateForOthers("adfs");
  } else if (authority->has_b2c()) {
    validator.ValidateForOthers("b2c, which has one tenant");
  } else if (authority->has_ciam()) {
    validator.ValidateForOthers("ciam, which has one tenant");
  } else if (authority->has_managed_identity()) {
    validator.ValidateForOthers("managed_identity");
    validator.ValidateForManagedIdentity();
  }
}

}  // namespace tokensvc
