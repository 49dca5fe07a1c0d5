// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_script.h"

#include <openssl/evp.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
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

RedisScript::RedisScript(const char* text) : text_(text), sha1_(Sha1Hex(text)) {}

asio::awaitable<absl::StatusOr<RespValue>> RedisScript::Run(
    RedisClient& client, std::vector<std::string> keys, std::vector<std::string> arguments) const {
  const RedisClient::TimePoint deadline = client.OperationDeadline();
  RedisCommand command;
  command.reserve(3 + keys.size() + arguments.size());
  command.emplace_back("EVALSHA");
  command.push_back(sha1_);
  command.push_back(absl::StrCat(keys.size()));
  for (std::string& key : keys) command.push_back(std::move(key));
  for (std::string& argument : arguments) command.push_back(std::move(argument));
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

}  // namespace tokensvc
