// SPDX-License-Identifier: Apache-2.0
#include "service/credential/reloading_key_pair.h"

#include <utility>

namespace tokensvc {
namespace {

absl::StatusOr<KeyPair> ParseKeyPair(const Secret& certificate_pem, const Secret& key_pem,
                                     std::optional<JwsAlgorithm> algorithm) {
  absl::StatusOr<CertificateChain> chain = CertificateChain::FromPem(certificate_pem.Reveal());
  if (!chain.ok()) return chain.status();
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(key_pem);
  if (!key.ok()) return key.status();
  if (!chain->Matches(*key)) {
    return absl::InvalidArgumentError(
        "the private key is not that of the first certificate in the file");
  }
  const JwsAlgorithm by_type =
      key->type() == PrivateKey::Type::kRsa ? JwsAlgorithm::kPs256 : JwsAlgorithm::kEs256;
  absl::StatusOr<JwtSigner> signer =
      JwtSigner::Create(algorithm.value_or(by_type), *std::move(key));
  if (!signer.ok()) return signer.status();
  return KeyPair{*std::move(chain), *std::move(signer)};
}

}  // namespace

ReloadingKeyPair::ReloadingKeyPair(Options files, std::optional<JwsAlgorithm> algorithm,
                                   const CredentialEnvironment& environment)
    : ReloadingFile(std::move(files), environment),
      algorithm_(algorithm),
      clock_(environment.clock),
      logger_(environment.logger) {}

absl::StatusOr<std::shared_ptr<ReloadingKeyPair>> ReloadingKeyPair::Load(
    KeyPairOptions options, const CredentialEnvironment& environment) {
  Options files;
  files.credential_id = std::move(options.credential_id);
  files.paths = {std::move(options.certificate_path), std::move(options.private_key_path)};
  std::shared_ptr<ReloadingKeyPair> pair(
      new ReloadingKeyPair(std::move(files), options.algorithm, environment));
  if (absl::Status status = pair->LoadFirst(); !status.ok()) return status;
  // Not the pair itself: the metric outlives the credential, and must not keep its key.
  environment.metrics.TrackExpiry(
      pair->credential_id(),
      [weak = std::weak_ptr<const ReloadingKeyPair>(pair)]() -> std::optional<absl::Time> {
        const std::shared_ptr<const ReloadingKeyPair> alive = weak.lock();
        if (alive == nullptr) return std::nullopt;
        return alive->Current()->chain.not_after();
      });
  return pair;
}

std::shared_ptr<const KeyPair> ReloadingKeyPair::Current() const {
  MutexLock lock(&mutex_);
  return current_;
}

absl::Status ReloadingKeyPair::Accept(std::vector<Secret> contents, std::uint64_t version) {
  absl::StatusOr<KeyPair> parsed = ParseKeyPair(contents[0], contents[1], algorithm_);
  if (!parsed.ok()) return parsed.status();
  const bool expired = clock_.Now() >= parsed->chain.not_after();
  const bool first = Current() == nullptr;
  if (expired && !first) return absl::FailedPreconditionError("the certificate is expired");
  if (expired) logger_.Warning("credential_expired", {{"credential", credential_id()}});
  parsed->version = version;
  auto accepted = std::make_shared<const KeyPair>(*std::move(parsed));
  MutexLock lock(&mutex_);
  current_ = std::move(accepted);
  return absl::OkStatus();
}

}  // namespace tokensvc
