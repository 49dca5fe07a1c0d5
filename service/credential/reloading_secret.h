// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_RELOADING_SECRET_H_
#define TOKENSVC_SERVICE_CREDENTIAL_RELOADING_SECRET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "service/credential/reloading_file.h"

namespace tokensvc {

/// A client secret that follows its file, or that stands since the start. One line break at the end
/// is not part of it. Thread-safe.
class ReloadingSecret final : public ReloadingFile {
 public:
  struct Value {
    Secret secret;
    std::uint64_t version = 0;
  };

  /// Reads the secret from a file now and follows it. Errors as `ReadSmallFile`, and
  /// kInvalidArgument where it is empty or holds a control character: a client secret is one line
  /// (RFC 6749 Appendix A.2).
  static absl::StatusOr<std::shared_ptr<ReloadingSecret>> FromFile(
      std::string credential_id, std::string path, const CredentialEnvironment& environment);

  /// A secret that does not change, such as one from an environment variable. Errors:
  /// kInvalidArgument.
  static absl::StatusOr<std::shared_ptr<ReloadingSecret>> FromValue(
      std::string credential_id, Secret value, const CredentialEnvironment& environment);

  /// A copy of the secret in force, and its version.
  Value Current() const;

 private:
  using ReloadingFile::ReloadingFile;

  absl::Status Accept(std::vector<Secret> contents, std::uint64_t version) override;
  absl::Status Publish(absl::string_view text, std::uint64_t version);

  mutable Mutex mutex_;
  Value current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_RELOADING_SECRET_H_
