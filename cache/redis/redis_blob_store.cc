// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_blob_store.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

// The generation in bytes 6 to 13 of what is stored; garbage (another type of value, or more than
// kMaxGeneration) counts as none, so that it is overwritten instead of standing for ever. And the
// last generation that can have been handed out: kMaxGenerationLead ahead of Redis' clock.
#define TOKENSVC_STORED_GENERATION                                                \
  "local bytes = redis.pcall('GETRANGE', KEYS[1], 6, 13)\n"                       \
  "if type(bytes) == 'table' then\n"                                              \
  "  if not string.find(bytes.err, 'WRONGTYPE', 1, true) then return bytes end\n" \
  "  bytes = ''\n"                                                                \
  "end\n"                                                                         \
  "local stored = -1\n"                                                           \
  "if #bytes == 8 then stored = struct.unpack('>I8', bytes) end\n"                \
  "if stored > 9007199254740991 then stored = -1 end\n"                           \
  "local time = redis.call('TIME')\n"                                             \
  "local now = time[1] * 1000000 + time[2]\n"                                     \
  "local last = now + 86400000000\n"

// ARGV: the blob, its generation, its expiry in milliseconds.
constexpr char kPut[] = TOKENSVC_STORED_GENERATION
    "local generation = tonumber(ARGV[2])\n"
    "local ahead = stored > last and generation <= last\n"
    "if stored >= generation and not ahead then return 0 end\n"
    "redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[3])\n"
    "if ahead then return 2 end\n"
    "return 1\n";

constexpr char kNextGeneration[] = TOKENSVC_STORED_GENERATION
    "if stored > last then return now end\n"
    "return math.max(stored + 1, now)\n";

#undef TOKENSVC_STORED_GENERATION

// ARGV: what may be replaced, the value, its expiry in milliseconds.
constexpr char kPutIfUnchanged[] =
    "local stands = redis.call('GETRANGE', KEYS[1], 0, -1)\n"
    "if stands ~= '' and stands ~= ARGV[1] then return stands end\n"
    "redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])\n"
    "return ARGV[2]\n";

static_assert(kMaxGeneration == 9007199254740991 && kMaxGenerationLead == 86400000000,
              "the numbers in the scripts");

absl::StatusOr<std::optional<std::string>> ToBlob(absl::StatusOr<RespValue>&& reply) {
  if (!reply.ok()) return reply.status();
  if (reply->kind == RespValue::Kind::kNull) return std::optional<std::string>();
  if (reply->kind != RespValue::Kind::kString) return WrongKindOfAnswer();
  return std::optional<std::string>(std::move(reply->text));
}

}  // namespace

RedisBlobStore::RedisBlobStore(RedisClient& client, std::string key_prefix)
    : client_(client),
      key_prefix_(std::move(key_prefix)),
      put_(kPut),
      next_generation_(kNextGeneration),
      put_if_unchanged_(kPutIfUnchanged) {}

asio::awaitable<std::vector<absl::StatusOr<std::optional<std::string>>>> RedisBlobStore::GetMany(
    std::vector<std::string> keys) {
  std::vector<RedisCommand> commands;
  commands.reserve(keys.size());
  for (const std::string& key : keys) commands.push_back({"GET", InStore(key)});
  const RedisClient::TimePoint deadline = client_.OperationDeadline();
  RedisClient::Replies replies = co_await client_.Execute(std::move(commands), deadline);
  std::vector<absl::StatusOr<std::optional<std::string>>> found;
  found.reserve(replies.size());
  for (absl::StatusOr<RespValue>& reply : replies) {
    // Only WRONGTYPE is kFailedPrecondition: something is there, and it is as little of a blob as
    // an empty one.
    if (absl::IsFailedPrecondition(reply.status())) {
      found.push_back(std::optional<std::string>(std::in_place));
    } else {
      found.push_back(ToBlob(std::move(reply)));
    }
  }
  co_return found;
}

asio::awaitable<absl::StatusOr<BlobStore::PutOutcome>> RedisBlobStore::Put(std::string key,
                                                                           std::string blob,
                                                                           std::uint64_t generation,
                                                                           absl::Time expires_at) {
  if (BlobGeneration(blob) != generation) {
    co_return absl::InvalidArgumentError("the blob's header has another generation");
  }
  const std::int64_t expires_at_ms = absl::ToUnixMillis(expires_at);
  if (expires_at_ms <= 0 || expires_at == absl::InfiniteFuture()) {
    co_return absl::InvalidArgumentError("a blob needs an expiry");
  }
  std::vector<std::string> arguments;
  arguments.reserve(4);
  arguments.push_back(InStore(key));
  arguments.push_back(std::move(blob));
  arguments.push_back(absl::StrCat(generation));
  arguments.push_back(absl::StrCat(expires_at_ms));
  const absl::StatusOr<std::int64_t> result =
      co_await put_.RunForNumber(client_, std::move(arguments));
  if (!result.ok()) co_return result.status();
  switch (*result) {
    case 0:
      co_return PutOutcome::kOlder;
    case 1:
      co_return PutOutcome::kStored;
    case 2:
      co_return PutOutcome::kOverwroteAhead;
    default:
      co_return WrongKindOfAnswer();
  }
}

asio::awaitable<absl::StatusOr<std::uint64_t>> RedisBlobStore::NextGeneration(std::string key) {
  std::vector<std::string> arguments;
  arguments.push_back(InStore(key));
  const absl::StatusOr<std::int64_t> result =
      co_await next_generation_.RunForNumber(client_, std::move(arguments));
  if (!result.ok()) co_return result.status();
  if (*result <= 0 || static_cast<std::uint64_t>(*result) > kMaxGeneration)
    co_return WrongKindOfAnswer();
  co_return static_cast<std::uint64_t>(*result);
}

asio::awaitable<absl::StatusOr<std::string>> RedisBlobStore::PutIfUnchanged(std::string key,
                                                                            std::string expected,
                                                                            std::string value,
                                                                            absl::Time expires_at) {
  const std::int64_t expires_at_ms = absl::ToUnixMillis(expires_at);
  if (expires_at_ms <= 0 || expires_at == absl::InfiniteFuture()) {
    co_return absl::InvalidArgumentError("a value needs an expiry");
  }
  std::vector<std::string> arguments;
  arguments.reserve(4);
  arguments.push_back(InStore(key));
  arguments.push_back(std::move(expected));
  arguments.push_back(std::move(value));
  arguments.push_back(absl::StrCat(expires_at_ms));
  absl::StatusOr<RespValue> stands = co_await put_if_unchanged_.Run(client_, std::move(arguments));
  // Only WRONGTYPE is kFailedPrecondition.
  if (absl::IsFailedPrecondition(stands.status())) co_return WrongKindOfAnswer();
  if (!stands.ok()) co_return stands.status();
  if (stands->kind != RespValue::Kind::kString) co_return WrongKindOfAnswer();
  co_return std::move(stands->text);
}

}  // namespace tokensvc
