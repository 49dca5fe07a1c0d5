// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_LENGTH_PREFIX_H_
#define TOKENSVC_CACHE_SEAL_LENGTH_PREFIX_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// The lowest `bytes` bytes of `value`, the highest of them first.
inline void AppendBigEndian(std::uint64_t value, std::size_t bytes, std::string* out) {
  for (std::size_t i = bytes; i-- > 0;) {
    out->push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * i))));
  }
}

inline std::uint64_t ReadBigEndian(absl::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// `part` behind its length in eight bytes, so that no two lists of parts give the same bytes.
inline void AppendLengthPrefixed(absl::string_view part, std::string* out) {
  AppendBigEndian(part.size(), 8, out);
  out->append(part.data(), part.size());
}

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_LENGTH_PREFIX_H_
