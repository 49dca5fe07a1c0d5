// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_JSON_H_
#define TOKENSVC_TESTS_AUTHORITY_JSON_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc::devauth {

using Json = nlohmann::json;

/// Parses what came from outside: no duplicate keys, no comments, at most 32 levels deep. Nothing
/// on any fault; never throws.
std::optional<Json> ParseStrictJson(absl::string_view text);

/// Writes JSON; what is not UTF-8 is replaced, so that nothing a client sends can make it throw.
std::string DumpJson(const Json& json);

/// The string member `name`, or nothing where it is absent or of another type.
std::optional<std::string> StringMember(const Json& object, const char* name);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_JSON_H_
