// SPDX-License-Identifier: Apache-2.0
#include "service/http/curl_global.h"

#include <curl/curl.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>

namespace tokensvc {

void WipingFree(void* block) {
  if (block == nullptr) return;
  OPENSSL_cleanse(block, malloc_usable_size(block));
  std::free(block);
}

void* WipingRealloc(void* block, std::size_t size) {
  if (block == nullptr) return std::malloc(size);
  // realloc() itself would leave the old bytes behind when it moves a block.
  const std::size_t had = malloc_usable_size(block);
  if (size <= had && size != 0) return block;
  void* moved = size == 0 ? nullptr : std::malloc(size);
  if (moved == nullptr && size != 0) return nullptr;
  if (moved != nullptr) std::memcpy(moved, block, had);
  WipingFree(block);
  return moved;
}

bool InitializeCurl() {
  static const bool ready =
      curl_global_init_mem(
          CURL_GLOBAL_ALL, [](std::size_t size) { return std::malloc(size); }, &WipingFree,
          &WipingRealloc, [](const char* text) { return strdup(text); },
          [](std::size_t count, std::size_t size) { return std::calloc(count, size); }) == CURLE_OK;
  return ready;
}

}  // namespace tokensvc
