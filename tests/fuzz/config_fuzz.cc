// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration: no crash, no hang, and errors that have a place in the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "service/config/load_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const tokensvc::ConfigResult result = tokensvc::ParseConfig(text);
  if (result.ok()) return 0;
  if (result.error().empty()) std::abort();
  for (const tokensvc::ConfigError& error : result.error()) {
    if (error.message.empty() || error.line < 0 || error.column < 0) std::abort();
  }
  return 0;
}
