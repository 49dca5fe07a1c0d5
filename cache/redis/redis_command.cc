// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_command.h"

#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

#include <cstddef>

namespace tokensvc {

absl::Status AppendCommand(const RedisCommand& command, std::string& out) {
  std::vector<const char*> arguments;
  std::vector<std::size_t> lengths;
  arguments.reserve(command.size());
  lengths.reserve(command.size());
  for (const std::string& argument : command) {
    arguments.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  char* wire = nullptr;
  const int length = redisFormatCommandArgv(&wire, static_cast<int>(command.size()),
                                            arguments.data(), lengths.data());
  if (length < 0) return absl::ResourceExhaustedError("no memory for a command to Redis");
  out.append(wire, static_cast<std::size_t>(length));
  OPENSSL_cleanse(wire, static_cast<std::size_t>(length));
  redisFreeCommand(wire);
  return absl::OkStatus();
}

}  // namespace tokensvc
