// SPDX-License-Identifier: Apache-2.0
// Whatever `Retry-After` says, the wait stays within its bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "absl/strings/string_view.h"
#include "service/authority/retry_after.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tokensvc;
  const std::optional<absl::Duration> wait =
      ParseRetryAfter(absl::string_view(reinterpret_cast<const char*>(data), size),
                      absl::FromUnixSeconds(1767323045));
  if (wait.has_value() && (*wait < absl::Seconds(1) || *wait > kMaxRetryAfter)) std::abort();
  return 0;
}
