// SPDX-License-Identifier: Apache-2.0
// What opens a seal may still be garbage of another release: unpacking it never does harm, and what
// it accepts packs to the same record again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "cache/seal/record_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tokensvc;
  const FleetInstant now{BootTime(std::chrono::hours(1)), absl::FromUnixSeconds(1767323045),
                         absl::FromUnixSeconds(1767323045)};
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  RecordCodec codec;
  const std::shared_ptr<const TokenRecord> record = codec.Unpack(bytes, 1, now);
  if (record == nullptr) return 0;
  if (record->RevealToken().empty() || record->RevealToken().size() > RecordCodec::kMaxTokenBytes) {
    std::abort();
  }
  const std::optional<Secret> packed = codec.Pack(*record, now);
  if (!packed.has_value()) return 0;  // A time before 1970, once it is on this machine's clock.
  const std::shared_ptr<const TokenRecord> again = codec.Unpack(packed->Reveal(), 1, now);
  if (again == nullptr || again->RevealToken() != record->RevealToken() ||
      again->granted_scopes() != record->granted_scopes()) {
    std::abort();
  }
  return 0;
}
