// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/client_registry.h"

#include <utility>

namespace tokensvc::devauth {

absl::Status ClientRegistry::Put(Client client) {
  if (client.id.empty()) return absl::InvalidArgumentError("a client needs an id");
  auto registered = std::make_shared<RegisteredClient>();
  for (const std::string& pem : client.certificates_pem) {
    absl::StatusOr<RegisteredCertificate> certificate = RegisteredCertificate::FromPem(pem);
    if (!certificate.ok()) return certificate.status();
    registered->certificates.push_back(*std::move(certificate));
  }
  for (const FederatedIdentity& identity : client.federated) {
    absl::StatusOr<RegisteredCertificate> certificate =
        RegisteredCertificate::FromPem(identity.certificate_pem);
    if (!certificate.ok()) return certificate.status();
    registered->federated.push_back(*std::move(certificate));
  }
  registered->client = std::move(client);
  const std::lock_guard<std::mutex> lock(mutex_);
  clients_[registered->client.id] = registered;
  return absl::OkStatus();
}

std::shared_ptr<const RegisteredClient> ClientRegistry::Find(absl::string_view id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = clients_.find(std::string(id));
  return it == clients_.end() ? nullptr : it->second;
}

}  // namespace tokensvc::devauth
