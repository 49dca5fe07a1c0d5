// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_READ_FILE_H_
#define TOKENSVC_SERVICE_CONFIG_READ_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "base/secret.h"

namespace tokensvc {

enum class FileAccess {
  kPublic,   ///< Anyone may read it.
  kPrivate,  ///< Holds a secret: refused where its mode lets everyone on the machine read it.
};

/// The whole of a regular file of at most `max_bytes`. Never waits for a pipe or a device. The
/// error does not show the path: kNotFound, or kFailedPrecondition for everything else.
absl::StatusOr<Secret> ReadRegularFile(const std::string& path, std::size_t max_bytes,
                                       FileAccess access);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_READ_FILE_H_
