// SPDX-License-Identifier: Apache-2.0
// Where the service listens, and how callers are known there.
#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/host_name.h"
#include "service/config/address.h"
#include "service/config/unique.h"
#include "service/config/validate.h"

namespace tokensvc {
namespace {

// sun_path with its end (unix(7)).
constexpr std::size_t kMaxSocketPath = 107;

void AddAddress(const std::string& address, const std::string& path, Unique* addresses) {
  const auto parsed = ParseHostPort(address);
  if (parsed && parsed->port != 0) addresses->Add(address, path);
}

/// Whether only this machine can connect; true too where the address is broken or missing, which
/// has an error of its own.
bool IsLocal(const config::v1::Listener& listener) {
  if (listener.has_unix_socket()) return true;
  const auto address = ParseHostPort(listener.address());
  return !address || IsLoopbackHost(address->host);
}

void ValidateTransport(const config::v1::Listener& listener, const std::string& path,
                       ConfigReporter* reporter) {
  if (listener.has_unix_socket()) {
    if (!listener.address().empty()) {
      reporter->Report(path + ".address", "is not for Unix sockets, which have a path");
    }
    if (listener.unix_socket().path().size() > kMaxSocketPath) {
      reporter->Report(path + ".unix_socket.path",
                       absl::StrCat("is longer than the ", kMaxSocketPath,
                                    " bytes that a socket's path may have"));
    }
  } else if (listener.address().empty()) {
    reporter->Report(path + ".address", "is missing: write address and port, 127.0.0.1:7443");
  }
  if (listener.has_plaintext() && !IsLocal(listener)) {
    reporter->Report(path + ".plaintext",
                     "is for loopback addresses only, and this listener can be reached from other "
                     "machines: tokens would cross the network unencrypted. Write tls instead");
  }
}

void ValidateCallers(const config::v1::Listener& listener, const std::string& path,
                     const std::set<std::string>& issuers, ConfigReporter* reporter) {
  const bool asks_for_certificates = !listener.tls().client_ca_file().empty();
  if (!listener.identity().empty() && !IsLocal(listener)) {
    reporter->Report(path + ".identity",
                     "would make everybody who can reach this address one caller: it is for "
                     "loopback addresses and Unix sockets. Write client_certificates or jwt");
  }
  if (listener.has_client_certificates() && !asks_for_certificates &&
      !reporter->Broken(path + ".tls")) {
    reporter->Report(path + ".client_certificates",
                     "needs tls.client_ca_file: who may sign the callers' certificates");
  }
  if (listener.has_jwt()) {
    for (int i = 0; i < listener.jwt().issuers_size(); ++i) {
      const std::string& name = listener.jwt().issuers(i);
      if (!name.empty() && !issuers.contains(name) && !reporter->Broken("jwt_issuers")) {
        reporter->Report(absl::StrCat(path, ".jwt.issuers[", i, "]"),
                         "names no entry of jwt_issuers");
      }
    }
    if (!IsLocal(listener) && !asks_for_certificates &&
        listener.unauthenticated_peers() != config::v1::UNAUTHENTICATED_PEERS_ACCEPT_RISK &&
        !reporter->Broken(path + ".unauthenticated_peers")) {
      reporter->Report(path + ".jwt",
                       "is read after strangers have connected and sent their headers "
                       "(docs/SECURITY.md). Put a proxy with a certificate in front and name its "
                       "authority in tls.client_ca_file, or, if something else keeps strangers "
                       "away, write unauthenticated_peers: accept_risk");
    }
  }
}

constexpr char kTenantId[] = "{tenantid}";

void ValidateTenantsOfIssuer(config::v1::JwtIssuer* issuer, const std::string& path,
                             ConfigReporter* reporter) {
  const bool is_template = absl::StrContains(issuer->issuer(), kTenantId);
  if (issuer->issuer().find(kTenantId) != issuer->issuer().rfind(kTenantId)) {
    reporter->Report(path + ".issuer", "can have one {tenantid} only");
  }
  if (!is_template && issuer->tenants_size() > 0 && !issuer->issuer().empty()) {
    reporter->Report(path + ".tenants", "is for issuers with {tenantid} only");
  }
  if (is_template && issuer->tenants_size() == 0) {
    reporter->Report(path + ".tenants",
                     "is missing, and the issuer's {tenantid} stands for any tenant there is: "
                     "write the GUIDs of those that callers are of, or [\"*\"] for all");
  }
  for (int k = 0; k < issuer->tenants_size(); ++k) {
    std::string* tenant = issuer->mutable_tenants(k);
    absl::AsciiStrToLower(tenant);
    const std::string place = absl::StrCat(path, ".tenants[", k, "]");
    if (*tenant == "*" && issuer->tenants_size() > 1) {
      reporter->Report(place, "must stand alone: it is every tenant");
    } else if (*tenant != "*" && !tenant->empty() && !IsGuid(*tenant)) {
      reporter->Report(place, "must be the tenant's GUID, as in the tid claim; or \"*\"");
    }
  }
}

void ValidateDiscovery(config::v1::JwtIssuer* issuer, const std::string& path,
                       ConfigReporter* reporter) {
  // Entra's metadata for all tenants are those of `common`.
  const absl::string_view problem =
      ProblemOfAuthorityUrl(absl::StrReplaceAll(issuer->issuer(), {{kTenantId, "common"}}));
  if (!problem.empty() && !issuer->issuer().empty()) {
    reporter->Report(path + ".issuer", absl::StrCat("is no URL that discovery can start at (",
                                                    problem, "): write jwks_url or jwks_file too"));
  }
  for (int k = 0; k < issuer->discovery().allowed_hosts_size(); ++k) {
    std::string* host = issuer->mutable_discovery()->mutable_allowed_hosts(k);
    absl::AsciiStrToLower(host);
    if (!IsHostName(*host)) {
      reporter->Report(absl::StrCat(path, ".discovery.allowed_hosts[", k, "]"),
                       "must be a host name such as keys.example.com, without scheme, port, "
                       "path or *");
    }
  }
}

}  // namespace

void ValidateListeners(const config::v1::ServiceConfig& config, ConfigReporter* reporter) {
  Unique names("name", reporter);
  Unique addresses("address", reporter);
  Unique sockets("path", reporter);
  std::set<std::string> issuers;
  for (const config::v1::JwtIssuer& issuer : config.jwt_issuers()) issuers.insert(issuer.name());
  for (int i = 0; i < config.listeners_size(); ++i) {
    const config::v1::Listener& listener = config.listeners(i);
    const std::string path = absl::StrCat("listeners[", i, "]");
    names.Add(listener.name(), path + ".name");
    AddAddress(listener.address(), path + ".address", &addresses);
    sockets.Add(listener.unix_socket().path(), path + ".unix_socket.path");
    ValidateTransport(listener, path, reporter);
    ValidateCallers(listener, path, issuers, reporter);
  }
  AddAddress(config.metrics().address(), "metrics.address", &addresses);
}

void ValidateJwtIssuers(config::v1::ServiceConfig* config, ConfigReporter* reporter) {
  Unique names("name", reporter);
  Unique issuers("issuer", reporter);
  for (int i = 0; i < config->jwt_issuers_size(); ++i) {
    config::v1::JwtIssuer& issuer = *config->mutable_jwt_issuers(i);
    const std::string path = absl::StrCat("jwt_issuers[", i, "]");
    names.Add(issuer.name(), path + ".name");
    issuers.Add(issuer.issuer(), path + ".issuer");
    for (int k = 0; k < issuer.audiences_size(); ++k) {
      if (issuer.audiences(k).empty()) {
        reporter->Report(absl::StrCat(path, ".audiences[", k, "]"), "must not be empty");
      }
    }
    for (int k = 0; k < issuer.algorithms_size(); ++k) {
      if (issuer.algorithms(k) == config::v1::SIGNING_ALGORITHM_AUTO) {
        reporter->Report(absl::StrCat(path, ".algorithms[", k, "]"),
                         "must be PS256, RS256 or ES256");
      }
    }
    ValidateTenantsOfIssuer(&issuer, path, reporter);
    if (issuer.has_discovery()) ValidateDiscovery(&issuer, path, reporter);
  }
}

}  // namespace tokensvc
