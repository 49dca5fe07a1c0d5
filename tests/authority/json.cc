// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/json.h"

#include <set>
#include <vector>

namespace tokensvc::devauth {
namespace {
constexpr int kMaxDepth = 32;
}  // namespace

std::optional<Json> ParseStrictJson(absl::string_view text) {
  bool refused = false;
  std::vector<std::set<std::string>> keys;
  const Json::parser_callback_t check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) refused = true;
    if (refused) return false;
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      refused = true;
    }
    return !refused;
  };
  Json json =
      Json::parse(text.data(), text.data() + text.size(), check, /*allow_exceptions=*/false);
  if (refused || json.is_discarded()) return std::nullopt;
  return json;
}

std::string DumpJson(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::string> StringMember(const Json& object, const char* name) {
  if (!object.is_object()) return std::nullopt;
  const auto it = object.find(name);
  if (it == object.end() || !it->is_string()) return std::nullopt;
  return it->get<std::string>();
}

}  // namespace tokensvc::devauth
