// SPDX-License-Identifier: Apache-2.0
// A JWK set: whatever it says, no more keys than allowed come out of it, each found at most once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "service/jose/jwk_set.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tokensvc;
  const absl::StatusOr<JwkSet> set =
      JwkSet::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!set.ok()) return 0;
  if (set->keys().empty() || set->keys().size() + set->skipped() > JwkSet::kMaxKeys) std::abort();
  for (const Jwk& key : set->keys()) {
    for (const JwsAlgorithm algorithm :
         {JwsAlgorithm::kPs256, JwsAlgorithm::kRs256, JwsAlgorithm::kEs256}) {
      const JwkSet::Choice choice = set->Find(key.kid, algorithm);
      if (choice.key != nullptr && !choice.key->key.Fits(algorithm)) std::abort();
      if (choice.key == &key && choice.ambiguous) std::abort();
      if (key.key.Verifies(algorithm, "input", "signature")) std::abort();
    }
  }
  return 0;
}
