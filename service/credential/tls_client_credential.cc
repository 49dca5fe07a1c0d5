// SPDX-License-Identifier: Apache-2.0
#include "service/credential/tls_client_credential.h"

#include <utility>

namespace tokensvc {

TlsClientCredential::TlsClientCredential(std::string id,
                                         std::shared_ptr<ReloadingTlsCertificate> certificate,
                                         const CredentialEnvironment& environment)
    : id_(std::move(id)), certificate_(std::move(certificate)), workers_(environment.workers) {}

absl::StatusOr<std::shared_ptr<TlsClientCredential>> TlsClientCredential::Create(
    Options options, const CredentialEnvironment& environment) {
  absl::StatusOr<std::shared_ptr<ReloadingTlsCertificate>> certificate =
      ReloadingTlsCertificate::Load(options.id, std::move(options.certificate_path),
                                    std::move(options.private_key_path), environment);
  if (!certificate.ok()) return certificate.status();
  return std::shared_ptr<TlsClientCredential>(
      new TlsClientCredential(std::move(options.id), *std::move(certificate), environment));
}

asio::awaitable<void> TlsClientCredential::CheckForChange() {
  if (!certificate_->CheckIsDue()) co_return;
  auto check = [certificate = certificate_]() -> absl::Status {
    certificate->Check();
    return absl::OkStatus();
  };
  // Where the queue is full, the certificate at hand will do.
  const absl::Status ignored = co_await workers_.Run(std::move(check));
  ignored.IgnoreError();
}

asio::awaitable<absl::Status> TlsClientCredential::AddTo(TokenEndpointRequest& request) {
  co_await CheckForChange();
  ReloadingTlsCertificate::Value current = certificate_->Current();
  request.form.emplace_back("client_id", Secret::CopyOf(request.client_id));
  request.client_certificate = std::move(current.certificate);
  request.credential_version = current.version;
  co_return absl::OkStatus();
}

}  // namespace tokensvc
