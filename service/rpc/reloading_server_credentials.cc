// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/reloading_server_credentials.h"

#include <utility>

namespace tokensvc {

ReloadingServerCredentials::ReloadingServerCredentials(
    std::shared_ptr<const ServerTlsMaterial> material)
    : material_(std::move(material)) {
  const bool client_certificates = [this] {
    MutexLock lock(&mutex_);
    return !material_->client_ca.empty();
  }();
  credentials_ = grpc_ssl_server_credentials_create_with_options(
      grpc_ssl_server_credentials_create_options_using_config_fetcher(
          client_certificates ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                              : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
          &Fetch, this));
}

ReloadingServerCredentials::~ReloadingServerCredentials() {
  grpc_server_credentials_release(credentials_);
}

void ReloadingServerCredentials::Set(std::shared_ptr<const ServerTlsMaterial> material) {
  MutexLock lock(&mutex_);
  material_ = std::move(material);
  fetched_ = false;
}

void ReloadingServerCredentials::SetAuthMetadataProcessor(
    const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) {}

int ReloadingServerCredentials::AddPortToServer(const std::string& address, grpc_server* server) {
  return grpc_server_add_http2_port(server, address.c_str(), credentials_);
}

// Called for the server's start and then by every handshake, on gRPC's threads.
grpc_ssl_certificate_config_reload_status ReloadingServerCredentials::Fetch(
    void* self, grpc_ssl_server_certificate_config** config) {
  auto* const credentials = static_cast<ReloadingServerCredentials*>(self);
  MutexLock lock(&credentials->mutex_);
  if (credentials->fetched_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const ServerTlsMaterial& material = *credentials->material_;
  // gRPC keeps a copy of the key for as long as it is in force.
  const std::string key(material.private_key.Reveal());
  const grpc_ssl_pem_key_cert_pair pair{key.c_str(), material.certificate_chain.c_str()};
  // gRPC 1.51 ends the process over roots that are null. No client is asked for a certificate then,
  // so that it does not matter which ones these are.
  const std::string& roots =
      material.client_ca.empty() ? material.certificate_chain : material.client_ca;
  *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
  credentials->fetched_ = true;
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

}  // namespace tokensvc
