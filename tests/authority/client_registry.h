// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_CLIENT_REGISTRY_H_
#define TOKENSVC_TESTS_AUTHORITY_CLIENT_REGISTRY_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/authority/keys.h"

namespace tokensvc::devauth {

/// Whose assertions stand for a client (workload identity federation): one issuer's key, and what
/// its tokens must say.
struct FederatedIdentity {
  std::string issuer;
  std::string subject;
  std::string audience = "api://AzureADTokenExchange";
  std::string certificate_pem;  ///< holds the issuer's public key
};

/// A client as a test registers it. All of its secrets and certificates are good at once, as while
/// a credential is rotated.
struct Client {
  std::string id;
  std::vector<std::string> secrets;
  std::vector<std::string> certificates_pem;
  std::vector<std::string> roles;  ///< what its access tokens carry in `roles`
  std::vector<FederatedIdentity> federated = {};
};

/// A client whose certificates are parsed.
struct RegisteredClient {
  Client client;
  std::vector<RegisteredCertificate> certificates;
  std::vector<RegisteredCertificate> federated;  ///< the issuers', in the order of the identities
};

/// The registered clients. Thread-safe.
class ClientRegistry {
 public:
  /// Adds the client, or replaces the one of the same id. Refuses an empty id and bad PEM.
  absl::Status Put(Client client);
  /// The client, or null. What is returned stays as it was when Put() replaces it.
  std::shared_ptr<const RegisteredClient> Find(absl::string_view id) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const RegisteredClient>> clients_;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_CLIENT_REGISTRY_H_
