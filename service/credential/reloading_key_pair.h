// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_RELOADING_KEY_PAIR_H_
#define TOKENSVC_SERVICE_CREDENTIAL_RELOADING_KEY_PAIR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "service/credential/reloading_file.h"
#include "service/jose/certificate_chain.h"
#include "service/jose/jwt_signer.h"

namespace tokensvc {

/// A certificate chain with the signer of its private key. Immutable.
struct KeyPair {
  CertificateChain chain;
  JwtSigner signer;
  std::uint64_t version = 0;
};

struct KeyPairOptions {
  std::string credential_id;
  /// PEM files; may be one and the same.
  std::string certificate_path;
  std::string private_key_path;
  /// Without one: PS256 for RSA keys, ES256 for EC keys.
  std::optional<JwsAlgorithm> algorithm;
};

/// A certificate and its private key that follow their files, as a pair: a new one replaces the old
/// one at once, when both parse, belong together and are not expired. Thread-safe.
class ReloadingKeyPair final : public ReloadingFile {
 public:
  /// Reads the pair now. An expired certificate is taken, with a warning in the log: it is the
  /// authority that refuses it, and other credentials may follow. Errors as `ReadSmallFile`, and
  /// kInvalidArgument where the pair cannot be used; their texts hold nothing of the files.
  static absl::StatusOr<std::shared_ptr<ReloadingKeyPair>> Load(
      KeyPairOptions options, const CredentialEnvironment& environment);

  /// The pair in force. Never null.
  std::shared_ptr<const KeyPair> Current() const;

 private:
  ReloadingKeyPair(Options files, std::optional<JwsAlgorithm> algorithm,
                   const CredentialEnvironment& environment);

  absl::Status Accept(std::vector<Secret> contents, std::uint64_t version) override;

  const std::optional<JwsAlgorithm> algorithm_;
  const Clock& clock_;
  Logger& logger_;
  mutable Mutex mutex_;
  std::shared_ptr<const KeyPair> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_RELOADING_KEY_PAIR_H_
