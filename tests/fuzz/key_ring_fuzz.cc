// SPDX-License-Identifier: Apache-2.0
// A key file is what people edit: whatever it holds, a ring has exactly one primary key, or there
// is none.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "base/key_ring.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tokensvc;
  const auto ring = KeyRing::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!ring.ok()) return 0;
  int primaries = 0;
  for (const RingKey& key : ring->keys()) {
    if (key.state == KeyState::kPrimary) ++primaries;
    if (ring->Find(key.id) != &key) std::abort();
  }
  if (primaries != 1 || ring->keys().size() > KeyRing::kMaxKeys) std::abort();
  return 0;
}
