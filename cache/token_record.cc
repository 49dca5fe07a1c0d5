// SPDX-License-Identifier: Apache-2.0
#include "cache/token_record.h"

namespace tokensvc {
namespace {

/// What malloc takes for `bytes`: its header, rounded up to 16.
std::size_t Allocated(std::size_t bytes) { return (bytes + 8 + 15) / 16 * 16; }

}  // namespace

std::size_t TokenRecord::MemoryBytes() const {
  constexpr std::size_t kSharedPtrCounts = 16;
  constexpr std::size_t kInline = 15;  // strings up to this length need no allocation
  std::size_t bytes = Allocated(sizeof(TokenRecord) + kSharedPtrCounts);
  if (token.size() > kInline) bytes += Allocated(token.size() + 1);
  if (granted_scopes.size() > kInline) bytes += Allocated(granted_scopes.capacity() + 1);
  return bytes;
}

}  // namespace tokensvc
