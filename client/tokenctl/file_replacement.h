// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_FILE_REPLACEMENT_H_
#define TOKENSVC_CLIENT_TOKENCTL_FILE_REPLACEMENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tokensvc::tokenctl {

/// Makes a file that only its owner may read (mode 0600), whole or not at all. kAlreadyExists where
/// there is one by now.
absl::Status CreatePrivateFile(const std::string& path, absl::string_view content);

/// Puts `content` in the place of what the file has: whoever opens it sees the old or the new,
/// never a part. Mode and group stay as they are; links are followed.
absl::Status ReplacePrivateFile(const std::string& path, absl::string_view content);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_FILE_REPLACEMENT_H_
