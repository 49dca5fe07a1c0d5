// SPDX-License-Identifier: Apache-2.0
#include "service/config/validate.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/host_name.h"
#include "service/config/address.h"

namespace tokensvc {
namespace {

// Finds values that must differ. The first use of a value stands, each further one is an error.
class Unique {
 public:
  Unique(absl::string_view what, ConfigReporter* reporter) : what_(what), reporter_(reporter) {}

  void Add(const std::string& value, const std::string& path) {
    if (value.empty()) return;
    const auto [first, inserted] = first_use_.emplace(value, path);
    if (inserted) return;
    reporter_->Report(path,
                      absl::StrCat("must be unique: ", first->second, " has the same ", what_));
  }

 private:
  absl::string_view what_;
  ConfigReporter* reporter_;
  std::map<std::string, std::string> first_use_;
};

void AddAddress(const std::string& address, const std::string& path, Unique* addresses) {
  const auto parsed = ParseHostPort(address);
  if (parsed && parsed->port != 0) addresses->Add(address, path);
}

void ValidateListener(const config::v1::Listener& listener, const std::string& path,
                      ConfigReporter* reporter) {
  const auto address = ParseHostPort(listener.address());
  if (!address || IsLoopbackHost(address->host)) return;
  if (listener.has_plaintext()) {
    reporter->Report(path + ".plaintext",
                     "is for loopback addresses only, and this listener can be reached from other "
                     "machines: tokens would cross the network unencrypted. Write tls instead");
  }
  if (listener.unauthenticated_peers() != config::v1::UNAUTHENTICATED_PEERS_ACCEPT_RISK &&
      !reporter->Broken(path + ".unauthenticated_peers")) {
    reporter->Report(
        path + ".address",
        "can be reached from other machines, and this version does not identify callers, with TLS "
        "neither: anyone who connects gets tokens for every registration. Listen on 127.0.0.1 or "
        "[::1], or, if something else keeps strangers away, write unauthenticated_peers: "
        "accept_risk");
  }
}

void ValidateListeners(const config::v1::ServiceConfig& config, ConfigReporter* reporter) {
  Unique names("name", reporter);
  Unique addresses("address", reporter);
  for (int i = 0; i < config.listeners_size(); ++i) {
    const std::string path = absl::StrCat("listeners[", i, "]");
    names.Add(config.listeners(i).name(), path + ".name");
    AddAddress(config.listeners(i).address(), path + ".address", &addresses);
    ValidateListener(config.listeners(i), path, reporter);
  }
  AddAddress(config.metrics().address(), "metrics.address", &addresses);
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
  ValidateCache(config->cache(), reporter);
  if (config->cache().has_redis()) ValidateRedis(config->cache().redis(), reporter);
  ValidateLimits(config->limits(), reporter);
}

}  // namespace tokensvc
