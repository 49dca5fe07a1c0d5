// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_JSON_H_
#define TOKENSVC_BASE_JSON_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace tokensvc {

using Json = nlohmann::json;

/// What a document from outside may be.
struct JsonLimits {
  std::size_t max_bytes = std::size_t{1} << 20;
  int max_depth = 16;
  std::size_t max_values = 20000;
};

/// Parses one JSON text (RFC 8259), strictly: valid UTF-8, nothing behind the value, duplicate
/// member names refused (RFC 8725 §2.4 says what they are used for), numbers out of range refused.
/// The status is kInvalidArgument with a fixed message: it never holds a byte of the input.
absl::StatusOr<Json> ParseJson(absl::string_view text, const JsonLimits& limits = JsonLimits());

/// As `ParseJson`, and the value must be an object.
absl::StatusOr<Json> ParseJsonObject(absl::string_view text,
                                     const JsonLimits& limits = JsonLimits());

/// The string member `name`, or empty when it is absent or something else. The view lives as long
/// as `object`.
absl::string_view StringMember(const Json& object, absl::string_view name);

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_JSON_H_
