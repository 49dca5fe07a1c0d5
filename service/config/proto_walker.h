// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_PROTO_WALKER_H_
#define TOKENSVC_SERVICE_CONFIG_PROTO_WALKER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "service/config/config_error.h"
#include "service/config/yaml_tree.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// Fills `config` from `root` by the schema: types, formats, ranges, required fields and defaults,
/// as the options in config.proto say. What is wrong goes to `errors` and leaves its field unset,
/// so that one pass finds every mistake; list entries keep their index. Notes in `locations` where
/// each key stands.
///
/// @param base_directory  what relative paths start at; empty leaves them as they are.
void FillConfig(const YamlNode& root, absl::string_view base_directory,
                config::v1::ServiceConfig* config, ConfigLocations* locations,
                ConfigErrorCollector* errors);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_PROTO_WALKER_H_
