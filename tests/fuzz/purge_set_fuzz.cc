// SPDX-License-Identifier: Apache-2.0
// What a Redis says of purges: whatever it is, no more is learnt of it than a set of ours can hold,
// and nothing that was known is lost.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/purge_epochs.h"
#include "cache/redis/redis_purge_set.h"
#include "cache/redis/resp_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tokensvc::RespReader reader(std::size_t{1} << 20);
  if (!reader.Feed(absl::string_view(reinterpret_cast<const char*>(data), size)).ok()) return 0;
  // The pages are the elements of an array, or else the replies themselves.
  std::vector<tokensvc::RespValue> replies;
  while (true) {
    absl::StatusOr<std::optional<tokensvc::RespValue>> reply = reader.Next();
    if (!reply.ok()) std::abort();
    if (!reply->has_value()) break;
    replies.push_back(**std::move(reply));
  }
  if (replies.size() == 1 && replies[0].elements.size() > 1) {
    std::vector<tokensvc::RespValue> elements = std::move(replies[0].elements);
    replies = std::move(elements);
  }
  const std::size_t commands = tokensvc::RedisPurgeSet("k").ReadCommands().size();
  tokensvc::RespValue none;
  none.kind = tokensvc::RespValue::Kind::kArray;
  if (replies.size() < commands) replies.resize(commands, none);
  const auto reading =
      tokensvc::RedisPurgeSet::Parse(replies, absl::FromUnixSeconds(1'800'000'000));
  if (!reading.ok()) return 0;

  tokensvc::PurgeEpochs epochs;
  const std::uint64_t known = epochs.Raise({"known"}, 1'700'000'000'000'000);
  epochs.RaiseTo(reading->state);
  if (epochs.RaiseTo(reading->state)) std::abort();
  if (epochs.EpochOf({"known"}) != known && epochs.floor() < known) std::abort();
  for (const tokensvc::PurgeEpoch& each : reading->state.epochs) {
    if (each.epoch == 0 || each.epoch > tokensvc::PurgeEpochs::kMaxEpoch) std::abort();
    if (epochs.EpochOf({each.name}) < each.epoch && epochs.floor() < each.epoch) std::abort();
  }
  if (epochs.size() > tokensvc::PurgeEpochs::kMaxScopes) std::abort();
  return 0;
}
