// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_LOAD_CONFIG_H_
#define TOKENSVC_SERVICE_CONFIG_LOAD_CONFIG_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/expected.h"
#include "service/config/config_error.h"
#include "service/config/config_watcher.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// A configuration that is complete (every default is filled in) and right, or everything that is
/// wrong with it, ordered by place. The errors hold no value of the file.
using ConfigResult = Expected<config::v1::ServiceConfig, std::vector<ConfigError>>;

/// Reads a configuration and checks all that can be checked without touching a file, an environment
/// variable or the network. Text is hostile: bounded in size, depth and count. Relative paths stay
/// as they are.
ConfigResult ParseConfig(absl::string_view text);

/// Reads the configuration in `file_path`, and checks what it refers to as well: certificates, keys
/// and secrets must be there and fit together, and the policy's file comes back as `policy`.
/// Relative paths start at the folder of the file, and come back with it in front. Reads files with
/// blocking calls: for start-up and for a thread that may wait.
///
/// @param policy_file  where not null, becomes what watches the policy's file since before it was
///                     read, or nothing where the configuration names none; also where the policy
///                     is refused, so that its repair is noticed
ConfigResult LoadConfig(absl::string_view file_path,
                        std::optional<ConfigWatcher>* policy_file = nullptr);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_LOAD_CONFIG_H_
