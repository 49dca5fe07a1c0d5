// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_SCHEMA_H_
#define TOKENSVC_SERVICE_CONFIG_SCHEMA_H_

#include <google/protobuf/descriptor.h>

#include <string>

#include "absl/strings/string_view.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// What the schema holds a field to.
const config::v1::Rule& RuleOf(const google::protobuf::FieldDescriptor& field);

bool IsDuration(const google::protobuf::FieldDescriptor& field);

/// The value's name in the file: `accept_risk`, `PS256`.
std::string WrittenName(const google::protobuf::EnumValueDescriptor& value);

/// The value written so, or null. The one that stands for "not given" cannot be written.
const google::protobuf::EnumValueDescriptor* FindWrittenValue(
    const google::protobuf::EnumDescriptor& type, absl::string_view written);

/// What to write for one value of the field, to complete "write …": `a size such as 256MiB`.
std::string Expectation(const google::protobuf::FieldDescriptor& field);

/// The names of all keys of a map of this type, separated by commas.
std::string KnownKeys(const google::protobuf::Descriptor& type);

/// The key that `written` is most likely a misspelling of; null where none is near.
const google::protobuf::FieldDescriptor* NearestKey(const google::protobuf::Descriptor& type,
                                                    absl::string_view written);

/// Whether an unknown key may be shown. A secret pasted where a key belongs hardly looks like one:
/// lower-case words with underscores.
bool IsShowableKey(absl::string_view key);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_SCHEMA_H_
