// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_RELOADING_SERVER_CREDENTIALS_H_
#define TOKENSVC_SERVICE_RPC_RELOADING_SERVER_CREDENTIALS_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/secret.h"

namespace tokensvc {

/// What a server shows in TLS handshakes, and whom it lets in. PEM texts.
struct ServerTlsMaterial {
  std::string certificate_chain;  ///< The certificate, then its intermediates.
  Secret private_key;
  std::string client_ca;  ///< Who may sign clients' certificates. Empty: clients show none.
};

/// TLS 1.2 and later with material that can be replaced while the server runs: every handshake that
/// starts after `Set` uses the new one, connections that are open go on. Where there is a client
/// CA, clients without a certificate that it signed do not get through the handshake.
///
/// Not gRPC's file watcher: that takes whatever it finds, and stops serving over a client CA that
/// cannot be parsed. Must outlive the server that it was given to. Thread-safe.
class ReloadingServerCredentials final : public grpc::ServerCredentials {
 public:
  /// `material` is to be validated already: a server does not start over what it cannot use.
  explicit ReloadingServerCredentials(std::shared_ptr<const ServerTlsMaterial> material);
  ~ReloadingServerCredentials() override;

  /// `material` has a client CA where the first one had, and none where it had none.
  void Set(std::shared_ptr<const ServerTlsMaterial> material);

  /// Not used here: does nothing.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& processor) override;

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override;
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config);

  grpc_server_credentials* credentials_ = nullptr;
  Mutex mutex_;
  std::shared_ptr<const ServerTlsMaterial> material_ ABSL_GUARDED_BY(mutex_);
  bool fetched_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_RELOADING_SERVER_CREDENTIALS_H_
