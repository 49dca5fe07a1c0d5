// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_MALLOC_BYTES_H_
#define TOKENSVC_CACHE_MALLOC_BYTES_H_

#include <cstddef>

namespace tokensvc {

/// What malloc (glibc's) takes for a block of `bytes`: its header, and rounded up to 16.
inline constexpr std::size_t MallocBytes(std::size_t bytes) { return (bytes + 8 + 15) / 16 * 16; }

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_MALLOC_BYTES_H_
