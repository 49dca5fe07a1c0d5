// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_script.h"

#include <openssl/evp.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace tokensvc {
namespace {

std::string Sha1Hex(absl::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), static_cast<std::size_t>(size)));
}

}  // namespace

absl::Status WrongKindOfAnswer() {
  return absl::InternalError("Redis answered something of another kind");
}

RedisScript::RedisScript(const char* text) : text_(text), sha1_(Sha1Hex(text)) {}

asio::awaitable<absl::StatusOr<RespValue>> RedisScript::Run(
    RedisClient& client, std::vector<std::string> key_and_arguments) const {
  const RedisClient::TimePoint deadline = client.OperationDeadline();
  RedisCommand command;
  command.reserve(3 + key_and_arguments.size());
  command.emplace_back("EVALSHA");
  command.push_back(sha1_);
  command.emplace_back("1");
  for (std::string& argument : key_and_arguments) command.push_back(std::move(argument));
  std::vector<RedisCommand> commands(1, command);
  RedisClient::Replies replies = co_await client.Execute(std::move(commands), deadline);
  // Nothing but NOSCRIPT is kNotFound.
  if (absl::IsNotFound(replies[0].status())) {
    command[0] = "EVAL";
    command[1] = text_;
    std::vector<RedisCommand> in_full;
    in_full.push_back(std::move(command));
    replies = co_await client.Execute(std::move(in_full), deadline);
  }
  co_return std::move(replies[0]);
}

asio::awaitable<absl::StatusOr<std::int64_t>> RedisScript::RunForNumber(
    RedisClient& client, std::vector<std::string> key_and_arguments) const {
  const absl::StatusOr<RespValue> reply = co_await Run(client, std::move(key_and_arguments));
  if (!reply.ok()) co_return reply.status();
  if (reply->kind != RespValue::Kind::kInteger) co_return WrongKindOfAnswer();
  co_return reply->integer;
}

}  // namespace tokensvc
