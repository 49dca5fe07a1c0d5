// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_RELOADING_TLS_CERTIFICATE_H_
#define TOKENSVC_SERVICE_CREDENTIAL_RELOADING_TLS_CERTIFICATE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "service/credential/reloading_file.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// A client certificate for TLS and its private key that follow their files, as a pair: a new one
/// replaces the old one at once, when both parse, belong together and are not expired. Thread-safe.
class ReloadingTlsCertificate final : public ReloadingFile {
 public:
  struct Value {
    std::shared_ptr<const ClientTlsCertificate> certificate;  ///< Never null.
    absl::Time not_after;
    std::uint64_t version = 0;
  };

  /// Reads the pair (PEM; may be one file) now. An expired certificate is taken, with a warning in
  /// the log, as `ReloadingKeyPair` does. Errors as `ReadSmallFile`, and kInvalidArgument where the
  /// pair cannot be used; their texts hold nothing of the files.
  static absl::StatusOr<std::shared_ptr<ReloadingTlsCertificate>> Load(
      std::string credential_id, std::string certificate_path, std::string private_key_path,
      const CredentialEnvironment& environment);

  /// The pair in force.
  Value Current() const;

 private:
  ReloadingTlsCertificate(Options files, const CredentialEnvironment& environment);

  absl::Status Accept(std::vector<Secret> contents, std::uint64_t version) override;

  const Clock& clock_;
  Logger& logger_;
  mutable Mutex mutex_;
  Value current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_RELOADING_TLS_CERTIFICATE_H_
