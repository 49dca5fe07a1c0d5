// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_purge_set.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cache/blob_store.h"
#include "cache/fleet_clock.h"
#include "cache/redis/redis_error.h"

namespace tokensvc {
namespace {

constexpr std::size_t kPageSize = 1024;
constexpr std::size_t kPages = PurgeEpochs::kMaxScopes / kPageSize;
// base64url of 32 bytes.
constexpr std::size_t kNameBytes = 43;
constexpr char kFloorName[] = "*";
// Of one script call, so that no call keeps Redis busy for long.
constexpr std::size_t kRestoredAtOnce = 256;

// What is stored for a name: garbage counts as nothing, so that it is overwritten. `last` is the
// greatest epoch that can have been handed out. A value of another type is removed.
#define TOKENSVC_PURGE_SET                                                        \
  "local count = redis.pcall('ZCARD', KEYS[1])\n"                                 \
  "if type(count) == 'table' then\n"                                              \
  "  if not string.find(count.err, 'WRONGTYPE', 1, true) then return count end\n" \
  "  redis.call('DEL', KEYS[1])\n"                                                \
  "end\n"                                                                         \
  "local time = redis.call('TIME')\n"                                             \
  "local now = time[1] * 1000000 + time[2]\n"                                     \
  "local last = now + 86400000000\n"                                              \
  "local function known(name)\n"                                                  \
  "  local epoch = tonumber(redis.call('ZSCORE', KEYS[1], name) or 0)\n"          \
  "  if not epoch or epoch < 0 or epoch > last then return 0 end\n"               \
  "  return math.floor(epoch)\n"                                                  \
  "end\n"                                                                         \
  "local function trim()\n"                                                       \
  "  local count = redis.call('ZCARD', KEYS[1])\n"                                \
  "  if count <= 16384 then return end\n"                                         \
  "  local gone = redis.call('ZPOPMIN', KEYS[1], count - 15360)\n"                \
  "  local floor = math.max(known('*'), tonumber(gone[#gone]))\n"                 \
  "  redis.call('ZADD', KEYS[1], math.min(floor, now), '*')\n"                    \
  "end\n"

static_assert(PurgeEpochs::kMaxScopes == 16384 && kMaxGenerationLead == 86400000000,
              "the numbers in the scripts");

// ARGV: the least epoch, the scope's names.
constexpr char kRaise[] = TOKENSVC_PURGE_SET
    "local epoch = math.max(now, tonumber(ARGV[1]))\n"
    "for i = 2, #ARGV do epoch = math.max(epoch, known(ARGV[i]) + 1) end\n"
    "for i = 2, #ARGV do redis.call('ZADD', KEYS[1], epoch, ARGV[i]) end\n"
    "trim()\n"
    "return epoch\n";

// ARGV: epochs and names in turn.
constexpr char kRestore[] = TOKENSVC_PURGE_SET
    "for i = 1, #ARGV, 2 do\n"
    "  if known(ARGV[i + 1]) < tonumber(ARGV[i]) then\n"
    "    redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])\n"
    "  end\n"
    "end\n"
    "trim()\n"
    "return 1\n";

#undef TOKENSVC_PURGE_SET

std::uint64_t Micros(absl::Time time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(absl::ToUnixMicros(time), 0));
}

// None for what is no epoch. Scores are any doubles, infinite ones included.
std::optional<std::uint64_t> ParseEpoch(const RespValue& score, std::uint64_t last) {
  std::uint64_t epoch = 0;
  const bool digits = std::all_of(score.text.begin(), score.text.end(), absl::ascii_isdigit);
  if (score.kind != RespValue::Kind::kString || !digits || !absl::SimpleAtoi(score.text, &epoch) ||
      epoch == 0 || epoch > last || epoch > PurgeEpochs::kMaxEpoch) {
    return std::nullopt;
  }
  return epoch;
}

bool IsName(const RespValue& member) {
  return member.kind == RespValue::Kind::kString && member.text.size() == kNameBytes &&
         std::all_of(member.text.begin(), member.text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
         });
}

bool IsWrongType(const RespValue& reply) {
  return reply.kind == RespValue::Kind::kError && RedisErrorCode(reply) == "WRONGTYPE";
}

}  // namespace

RedisPurgeSet::RedisPurgeSet(std::string key)
    : key_(std::move(key)), raise_(kRaise), restore_(kRestore) {}

std::vector<RedisCommand> RedisPurgeSet::ReadCommands() const {
  std::vector<RedisCommand> commands;
  commands.push_back({"ZSCORE", key_, kFloorName});
  for (std::size_t page = 0; page < kPages; ++page) {
    commands.push_back({"ZREVRANGE", key_, absl::StrCat(page * kPageSize),
                        absl::StrCat((page + 1) * kPageSize - 1), "WITHSCORES"});
  }
  return commands;
}

std::uint64_t RedisPurgeSet::LastEpoch(absl::Time now) {
  return Micros(now) + 2 * kMaxGenerationLead;
}

absl::StatusOr<PurgeReading> RedisPurgeSet::Parse(const std::vector<RespValue>& replies,
                                                  absl::Time now) {
  if (replies.size() != 1 + kPages) return WrongKindOfAnswer();
  const std::uint64_t last = LastEpoch(now);
  // Nobody purges in the future; and a floor there would make every new record one that was purged.
  const std::uint64_t last_floor = Micros(now + FleetClock::kMaxOffset);
  PurgeReading reading;
  PurgeState& state = reading.state;
  std::size_t members = 0;
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (const RespValue& reply : replies) {
    const bool first = &reply == replies.data();
    if (IsWrongType(reply)) {
      reading.ignored += first ? 1 : 0;
      continue;
    }
    if (reply.kind == RespValue::Kind::kError) return RedisErrorStatus(reply);
    if (first) {
      if (reply.kind == RespValue::Kind::kNull) continue;
      if (const auto floor = ParseEpoch(reply, last_floor)) {
        state.floor = *floor;
      } else {
        ++reading.ignored;
      }
      continue;
    }
    const std::vector<RespValue>& page = reply.elements;
    if (reply.kind != RespValue::Kind::kArray || page.size() % 2 != 0 ||
        page.size() > 2 * kPageSize) {
      return WrongKindOfAnswer();
    }
    members += page.size() / 2;
    for (std::size_t i = 0; i < page.size(); i += 2) {
      if (page[i].text == kFloorName) continue;
      const auto epoch = ParseEpoch(page[i + 1], last);
      if (!epoch.has_value() || !IsName(page[i])) {
        ++reading.ignored;
        continue;
      }
      least = std::min(least, *epoch);
      state.epochs.push_back({page[i].text, *epoch});
    }
  }
  // There may be more, none of them greater.
  if (members >= kPages * kPageSize && least <= last_floor) {
    state.floor = std::max(state.floor, least);
  }
  return reading;
}

asio::awaitable<absl::StatusOr<std::uint64_t>> RedisPurgeSet::Raise(RedisClient& client,
                                                                    ScopeNames names,
                                                                    std::uint64_t at_least) const {
  std::vector<std::string> arguments;
  arguments.reserve(2 + names.size());
  arguments.push_back(key_);
  arguments.push_back(absl::StrCat(at_least));
  for (std::string& name : names) arguments.push_back(std::move(name));
  const absl::StatusOr<std::int64_t> epoch =
      co_await raise_.RunForNumber(client, std::move(arguments));
  if (!epoch.ok()) co_return epoch.status();
  if (*epoch <= 0 || static_cast<std::uint64_t>(*epoch) > PurgeEpochs::kMaxEpoch) {
    co_return WrongKindOfAnswer();
  }
  co_return static_cast<std::uint64_t>(*epoch);
}

asio::awaitable<absl::Status> RedisPurgeSet::Restore(RedisClient& client, PurgeState lost) const {
  if (lost.floor > 0) lost.epochs.push_back({kFloorName, lost.floor});
  for (std::size_t begin = 0; begin < lost.epochs.size(); begin += kRestoredAtOnce) {
    const std::size_t end = std::min(lost.epochs.size(), begin + kRestoredAtOnce);
    std::vector<std::string> arguments;
    arguments.reserve(1 + 2 * (end - begin));
    arguments.push_back(key_);
    for (std::size_t i = begin; i < end; ++i) {
      arguments.push_back(absl::StrCat(lost.epochs[i].epoch));
      arguments.push_back(std::move(lost.epochs[i].name));
    }
    const absl::StatusOr<std::int64_t> done =
        co_await restore_.RunForNumber(client, std::move(arguments));
    if (!done.ok()) co_return done.status();
  }
  co_return absl::OkStatus();
}

}  // namespace tokensvc
