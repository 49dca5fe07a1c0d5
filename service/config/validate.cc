// SPDX-License-Identifier: Apache-2.0
#include "service/config/validate.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/host_name.h"
#include "service/config/policy_config.h"
#include "service/config/unique.h"

namespace tokensvc {
namespace {

bool IsOriginAlone(const std::string& url) {
  const std::size_t slash = url.find('/', url.find("://") + 3);
  return slash == std::string::npos || slash + 1 == url.size();
}

void ValidateTenantOfAuthority(std::string* tenant, const std::string& path,
                               ConfigReporter* reporter) {
  absl::AsciiStrToLower(tenant);
  if (!tenant->empty() && !IsTenant(*tenant)) {
    reporter->Report(path,
                     "must be the tenant's GUID or its domain, such as "
                     "contoso.onmicrosoft.com");
  }
}

void ValidateAdfs(const config::v1::AdfsAuthority& adfs, const std::string& path,
                  ConfigReporter* reporter) {
  absl::string_view url = absl::StripSuffix(adfs.base_url(), "/");
  absl::ConsumeSuffix(&url, "/adfs");
  if (!IsOriginAlone(std::string(url))) {
    reporter->Report(path + ".base_url", "must be a URL without a path, or with /adfs alone");
  }
}

void ValidateB2c(config::v1::B2cAuthority* b2c, const std::string& path, ConfigReporter* reporter) {
  ValidateTenantOfAuthority(b2c->mutable_tenant(), path + ".tenant", reporter);
  const std::string& policy = b2c->policy();
  if (!std::all_of(policy.begin(), policy.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
      })) {
    reporter->Report(path + ".policy",
                     "must be letters, digits, underscores and hyphens, such as B2C_1_signin");
  }
  if (!b2c->base_url().empty()) {
    if (!IsOriginAlone(b2c->base_url())) {
      reporter->Report(path + ".base_url", "must be a URL without tenant, policy or other path");
    }
  } else if (IsTenant(b2c->tenant()) && !absl::EndsWith(b2c->tenant(), ".onmicrosoft.com") &&
             !reporter->Broken(path + ".base_url")) {
    reporter->Report(path + ".tenant",
                     "names no b2clogin.com host: write the tenant's onmicrosoft.com domain, or "
                     "base_url too");
  }
}

void ValidateCiam(config::v1::CiamAuthority* ciam, const std::string& path,
                  ConfigReporter* reporter) {
  ValidateTenantOfAuthority(ciam->mutable_tenant(), path + ".tenant", reporter);
  if (ciam->has_subdomain()) {
    absl::AsciiStrToLower(ciam->mutable_subdomain());
    const std::string& subdomain = ciam->subdomain();
    if (absl::StrContains(subdomain, '.') || !IsHostName(subdomain)) {
      reporter->Report(path + ".subdomain",
                       "must be the first part of the host alone, such as contoso for "
                       "contoso.ciamlogin.com");
    }
  } else if (ciam->has_base_url()) {
    if (!IsOriginAlone(ciam->base_url())) {
      reporter->Report(path + ".base_url", "must be a URL without a tenant or other path");
    }
    if (ciam->tenant().empty() && !reporter->Broken(path + ".tenant")) {
      reporter->Report(path + ".base_url", "needs the tenant beside it");
    }
  }
}

void ValidateAuthority(config::v1::Authority* authority, const std::string& path,
                       ConfigReporter* reporter) {
  const std::string& region = authority->entra().region();
  for (const char c : region) {
    if (absl::ascii_islower(static_cast<unsigned char>(c)) ||
        absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      continue;
    }
    reporter->Report(path + ".entra.region",
                     "must be lower-case letters and digits only, such as westeurope");
    break;
  }
  if (authority->has_adfs()) ValidateAdfs(authority->adfs(), path + ".adfs", reporter);
  if (authority->has_b2c()) ValidateB2c(authority->mutable_b2c(), path + ".b2c", reporter);
  if (authority->has_ciam()) ValidateCiam(authority->mutable_ciam(), path + ".ciam", reporter);
  if (authority->has_managed_identity()) {
    ValidateManagedIdentity(authority->managed_identity(), path + ".managed_identity", reporter);
    if (!authority->managed_identity().audience().empty()) {
      reporter->Report(path + ".managed_identity.audience",
                       "is for credentials: here the scopes of each call say what a token is for");
    }
    if (!authority->ca_file().empty()) {
      reporter->Report(path + ".ca_file", "is of no use: the platform is asked over plain http");
    }
  }
  if (!authority->has_oidc()) return;
  for (int i = 0; i < authority->oidc().allowed_hosts_size(); ++i) {
    std::string* host = authority->mutable_oidc()->mutable_allowed_hosts(i);
    absl::AsciiStrToLower(host);
    if (!host->empty() && !IsHostName(*host)) {
      reporter->Report(
          absl::StrCat(path, ".oidc.allowed_hosts[", i, "]"),
          "must be a host name such as tokens.example.com, without scheme, port, path or *");
    }
  }
}

// As LocalCache::kLeastPartitionBytes; below it a tenant's tokens would not stay in the cache, and
// every call would go to the authority.
constexpr std::uint64_t kLeastTenantShare = std::uint64_t{64} << 10;

void ValidateCache(const config::v1::Cache& cache, ConfigReporter* reporter) {
  if (!cache.has_local() || reporter->Broken("cache")) return;
  const config::v1::LocalCache& local = cache.local();
  if (local.max_size() * local.tenant_share_percent() / 100 < kLeastTenantShare) {
    reporter->Report(
        "cache.local.tenant_share_percent",
        "leaves one tenant less than 64KiB of max_size, too little to keep its tokens: "
        "raise one of the two");
  }
}

constexpr char kNoPolicy[] =
    "is missing, and without one nobody gets a token. The smallest one: policy: {rules: [{name: "
    "all, "
    "callers: [\"*\"], registrations: [\"*\"], tenants: [\"*\"], grants: [\"*\"], scopes: "
    "[\"*\"]}]}; "
    "docs/POLICY.md has better ones";

void ValidateLimits(const config::v1::Limits& limits, ConfigReporter* reporter) {
  if (reporter->Broken("limits")) return;
  const auto& standard = limits.default_deadline();
  const auto& longest = limits.max_deadline();
  if (std::pair(standard.seconds(), standard.nanos()) >
      std::pair(longest.seconds(), longest.nanos())) {
    reporter->Report("limits.default_deadline", "must not be longer than max_deadline");
  }
}

}  // namespace

void ValidateConfig(config::v1::ServiceConfig* config, ConfigReporter* reporter) {
  ValidateListeners(*config, reporter);
  ValidateJwtIssuers(config, reporter);
  Unique authorities("name", reporter);
  for (int i = 0; i < config->authorities_size(); ++i) {
    const std::string path = absl::StrCat("authorities[", i, "]");
    authorities.Add(config->authorities(i).name(), path + ".name");
    ValidateAuthority(config->mutable_authorities(i), path, reporter);
  }
  Unique registrations("name", reporter);
  for (int i = 0; i < config->registrations_size(); ++i) {
    registrations.Add(config->registrations(i).name(), absl::StrCat("registrations[", i, "].name"));
    ValidateRegistration(i, config, reporter);
  }
  if (config->has_policy() && !config->policy_file().empty()) {
    reporter->Report("policy_file", "stands beside policy: write one of the two");
  } else if (config->has_policy()) {
    ValidatePolicy(*config, "policy", reporter);
  } else if (config->policy_file().empty()) {
    reporter->Report("policy", kNoPolicy);
  }
  ValidateCache(config->cache(), reporter);
  if (config->cache().has_redis()) ValidateRedis(config->cache().redis(), reporter);
  ValidateLimits(config->limits(), reporter);
  if (config->has_audit()) ValidateAudit(config->audit(), reporter);
}

}  // namespace tokensvc
