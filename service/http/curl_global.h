// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_CURL_GLOBAL_H_
#define TOKENSVC_SERVICE_HTTP_CURL_GLOBAL_H_

#include <cstddef>

namespace tokensvc {

/// Prepares libcurl for the process, once, with an allocator that overwrites what it frees: libcurl
/// keeps copies of header lines, bodies and answers in buffers that nobody else can reach, and none
/// of them may stay behind in memory (invariant 7: core files). Does nothing if libcurl was
/// initialised before by someone else. Thread-safe. False if libcurl cannot be used.
bool InitializeCurl();

/// The allocator's parts, with the contracts of `free` and `realloc`.
void WipingFree(void* block);
void* WipingRealloc(void* block, std::size_t size);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_CURL_GLOBAL_H_
