// SPDX-License-Identifier: Apache-2.0
// The strict JSON reader, and claims, whose canonical spelling must be its own canonical spelling.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "base/json.h"
#include "service/authority/claims.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tokensvc;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<Json> parsed = ParseJson(text);
  if (parsed.ok() && ParseJson(parsed->dump()).value() != *parsed) std::abort();
  const Result<std::string> canonical = CanonicalClaims(text, "claims");
  if (!canonical.ok()) return 0;
  // A number may be spelt longer than it was.
  if (canonical->size() > kMaxClaimsBytes) return 0;
  const Result<std::string> again = CanonicalClaims(*canonical, "claims");
  if (!again.ok() || *again != *canonical) std::abort();
  const std::string capability = "cp1";
  const Result<std::string> merged =
      MergeClaims(text, *canonical, absl::Span<const std::string>(&capability, 1));
  if (!merged.ok() || !ParseJsonObject(*merged).ok()) std::abort();
  return 0;
}
