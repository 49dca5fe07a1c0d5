// SPDX-License-Identifier: Apache-2.0
// Replies of Redis: what the scanner lets through, hiredis reads, and in the same number of
// replies; how the bytes are cut does not matter.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "cache/redis/resp_reader.h"

namespace {

struct Outcome {
  std::vector<tokensvc::RespValue> replies;
  bool ok = true;
};

Outcome Read(absl::string_view bytes, std::size_t piece) {
  constexpr std::size_t kMaxReplySize = 4096;
  tokensvc::RespReader reader(kMaxReplySize);
  tokensvc::RespScanner scanner(kMaxReplySize);
  Outcome outcome;
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    const absl::string_view next = bytes.substr(i, piece);
    const bool accepted = scanner.Scan(next).ok();
    if (accepted != reader.Feed(next).ok()) std::abort();
    if (!accepted) {
      outcome.ok = false;
      return outcome;
    }
    while (true) {
      absl::StatusOr<std::optional<tokensvc::RespValue>> reply = reader.Next();
      if (!reply.ok()) std::abort();
      if (!reply->has_value()) break;
      outcome.replies.push_back(**std::move(reply));
    }
    if (outcome.replies.size() != scanner.replies()) std::abort();
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = Read(bytes, std::max<std::size_t>(size, 1));
  const Outcome single = Read(bytes, 1);
  if (whole.ok != single.ok) std::abort();
  // A refused piece takes the replies before it along.
  if (whole.ok && whole.replies != single.replies) std::abort();
  return 0;
}
