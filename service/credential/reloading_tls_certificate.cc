// SPDX-License-Identifier: Apache-2.0
#include "service/credential/reloading_tls_certificate.h"

#include <optional>
#include <utility>

#include "service/jose/certificate_chain.h"
#include "service/jose/private_key.h"

namespace tokensvc {

ReloadingTlsCertificate::ReloadingTlsCertificate(Options files,
                                                 const CredentialEnvironment& environment)
    : ReloadingFile(std::move(files), environment),
      clock_(environment.clock),
      logger_(environment.logger) {}

absl::StatusOr<std::shared_ptr<ReloadingTlsCertificate>> ReloadingTlsCertificate::Load(
    std::string credential_id, std::string certificate_path, std::string private_key_path,
    const CredentialEnvironment& environment) {
  Options files;
  files.credential_id = std::move(credential_id);
  files.paths = {std::move(certificate_path), std::move(private_key_path)};
  std::shared_ptr<ReloadingTlsCertificate> pair(
      new ReloadingTlsCertificate(std::move(files), environment));
  if (absl::Status status = pair->LoadFirst(); !status.ok()) return status;
  // Not the pair itself: the metric outlives the credential, and must not keep its key.
  environment.metrics.TrackExpiry(
      pair->credential_id(),
      [weak = std::weak_ptr<const ReloadingTlsCertificate>(pair)]() -> std::optional<absl::Time> {
        const std::shared_ptr<const ReloadingTlsCertificate> alive = weak.lock();
        if (alive == nullptr) return std::nullopt;
        return alive->Current().not_after;
      });
  return pair;
}

ReloadingTlsCertificate::Value ReloadingTlsCertificate::Current() const {
  MutexLock lock(&mutex_);
  return current_;
}

absl::Status ReloadingTlsCertificate::Accept(std::vector<Secret> contents, std::uint64_t version) {
  const absl::StatusOr<CertificateChain> chain = CertificateChain::FromPem(contents[0].Reveal());
  if (!chain.ok()) return chain.status();
  const absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(contents[1]);
  if (!key.ok()) return key.status();
  if (!chain->Matches(*key)) {
    return absl::InvalidArgumentError(
        "the private key is not that of the first certificate in the file");
  }
  const bool expired = clock_.Now() >= chain->not_after();
  const bool first = version == 1;
  if (expired && !first) return absl::FailedPreconditionError("the certificate is expired");
  if (expired) logger_.Warning("credential_expired", {{"credential", credential_id()}});

  auto certificate = std::make_shared<ClientTlsCertificate>();
  certificate->id = chain->x5t_s256();
  certificate->certificate_pem = std::move(contents[0]);
  certificate->private_key_pem = std::move(contents[1]);
  MutexLock lock(&mutex_);
  current_ = Value{std::move(certificate), chain->not_after(), version};
  return absl::OkStatus();
}

}  // namespace tokensvc
