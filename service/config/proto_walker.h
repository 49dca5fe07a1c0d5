// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_PROTO_WALKER_H_
#define TOKENSVC_SERVICE_CONFIG_PROTO_WALKER_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/strings/string_view.h"
#include "service/config/config_error.h"
#include "service/config/yaml_tree.h"

namespace tokensvc {

/// Fills `message` from `root` by the schema: types, formats, ranges, required fields and defaults,
/// as the options of rule.proto say. What is wrong goes to `errors` and leaves its field unset,
/// so that one pass finds every mistake; list entries keep their index. Notes in `locations` where
/// each key stands.
///
/// @param message  a part of the configuration, empty
/// @param base_directory  what relative paths start at; empty leaves them as they are.
void FillConfig(const YamlNode& root, absl::string_view base_directory,
                google::protobuf::Message* message, ConfigLocations* locations,
                ConfigErrorCollector* errors);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_PROTO_WALKER_H_
