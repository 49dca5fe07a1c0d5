// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/trace_context.h"

#include <algorithm>

namespace tokensvc {
namespace {

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
}

}  // namespace

std::string ParseTraceId(absl::string_view traceparent) {
  // version "-" trace-id "-" parent-id "-" flags; later versions may append, version ff is invalid.
  constexpr std::size_t kLength = 55;
  if (traceparent.size() < kLength) return {};
  const absl::string_view version = traceparent.substr(0, 2);
  const absl::string_view trace_id = traceparent.substr(3, 32);
  const absl::string_view parent_id = traceparent.substr(36, 16);
  const absl::string_view flags = traceparent.substr(53, 2);
  const bool dashes = traceparent[2] == '-' && traceparent[35] == '-' && traceparent[52] == '-';
  const bool tail =
      traceparent.size() == kLength || (version != "00" && traceparent[kLength] == '-');
  if (!dashes || !tail || version == "ff" || !IsLowerHex(version) || !IsLowerHex(trace_id) ||
      !IsLowerHex(parent_id) || !IsLowerHex(flags) || IsZero(trace_id) || IsZero(parent_id)) {
    return {};
  }
  return std::string(trace_id);
}

std::string TraceIdOf(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("traceparent");
  if (found == metadata.end()) return {};
  return ParseTraceId(absl::string_view(found->second.data(), found->second.size()));
}

}  // namespace tokensvc
