// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_FIELD_VALUE_H_
#define TOKENSVC_SERVICE_CONFIG_FIELD_VALUE_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/expected.h"
#include "service/config/yaml_tree.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// What keeps a scalar from being the text that `field` wants, as a message to show that does not
/// show the text; empty = nothing.
std::string ProblemOfText(const YamlNode& node, const google::protobuf::FieldDescriptor& field);

/// A number, size (bytes) or duration (nanoseconds) within the bounds of `field`, or what is wrong
/// with it.
Expected<std::int64_t, std::string> ParseQuantity(const YamlNode& node,
                                                  const google::protobuf::FieldDescriptor& field);

/// Stores what `ParseQuantity` returned for the same field.
void SetQuantity(std::int64_t quantity, const google::protobuf::FieldDescriptor& field,
                 google::protobuf::Message* message);

/// `text` with the path in it, if its format has one and it is relative, made to start at
/// `base_directory`.
std::string ResolvePath(const std::string& text, config::v1::Format format,
                        absl::string_view base_directory);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_FIELD_VALUE_H_
