// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_RELOADING_ASSERTION_H_
#define TOKENSVC_SERVICE_CREDENTIAL_RELOADING_ASSERTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "service/credential/reloading_file.h"

namespace tokensvc {

/// A client assertion that somebody else signs and writes to a file, such as a projected
/// service-account token of Kubernetes, and that is written anew before it expires. White space
/// around it is not part of it. Thread-safe.
class ReloadingAssertion final : public ReloadingFile {
 public:
  struct Value {
    Secret assertion;
    absl::Time expires_at;  ///< Its own word (`exp`), unverified.
    std::uint64_t version = 0;
  };

  /// Reads the assertion now and follows its file. An expired one is taken at the start, with a
  /// warning in the log: who writes the file may be late. Errors as `ReadSmallFile`, and
  /// kInvalidArgument for what is no JWT (`ReadUnverifiedJwt`); their texts hold nothing of it.
  static absl::StatusOr<std::shared_ptr<ReloadingAssertion>> FromFile(
      std::string credential_id, std::string path, const CredentialEnvironment& environment);

  /// A copy of the assertion in force.
  Value Current() const;
  absl::Time expires_at() const;

 private:
  ReloadingAssertion(Options options, const CredentialEnvironment& environment);

  absl::Status Accept(std::vector<Secret> contents, std::uint64_t version) override;

  const Clock& clock_;
  Logger& logger_;
  mutable Mutex mutex_;
  Value current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_RELOADING_ASSERTION_H_
