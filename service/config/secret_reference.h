// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_SECRET_REFERENCE_H_
#define TOKENSVC_SERVICE_CONFIG_SECRET_REFERENCE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/secret.h"

namespace tokensvc {

/// Where a secret is, as configuration writes it: `file:PATH` or `env:NAME`.
struct SecretReference {
  enum class Source { kFile, kEnvironment };

  Source source = Source::kFile;
  std::string name;  ///< The path, or the variable's name.
};

/// A secret longer than this is taken for a file that was named by mistake.
inline constexpr std::size_t kMaxSecretBytes = 64 << 10;

/// Reads a reference. kInvalidArgument where it is none, in a message that does not show it: it may
/// well be the secret itself.
absl::StatusOr<SecretReference> ParseSecretReference(absl::string_view text);

/// The secret that `reference` points at, without one newline at its end. A file must be a regular
/// one that not everyone may read. The error names neither the path nor the variable:
///   - kNotFound            no such file or variable;
///   - kFailedPrecondition  empty, too long, readable by everyone, not a regular file, unreadable.
/// Reads the file with blocking calls: not for threads that must not wait.
absl::StatusOr<Secret> ReadSecret(const SecretReference& reference);

/// Both at once.
absl::StatusOr<Secret> ReadSecret(absl::string_view reference);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_SECRET_REFERENCE_H_
