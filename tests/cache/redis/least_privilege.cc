// SPDX-License-Identifier: Apache-2.0
#include "tests/cache/redis/least_privilege.h"

#include <openssl/sha.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/cache/redis/redis_harness.h"

namespace tokensvc::testing {
namespace {

constexpr char kPlaceholder[] = "${TOKENSVC_REDIS_PASSWORD_SHA256}";

std::string ServiceLine() {
  std::ifstream file(TOKENSVC_USERS_ACL);
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "user tokensvc ")) return line;
  }
  std::abort();
}

}  // namespace

std::vector<std::string> LeastPrivilegeAcl() {
  const std::string password = kServicePassword;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(password.data()), password.size(), digest);
  const std::string hex = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
  return {"user default on nopass ~* &* +@all",
          absl::StrReplaceAll(ServiceLine(), {{kPlaceholder, hex}})};
}

std::vector<std::string> AllowedCommands() {
  std::vector<std::string> commands;
  for (const absl::string_view word : absl::StrSplit(ServiceLine(), ' ')) {
    if (absl::StartsWith(word, "+")) commands.emplace_back(word.substr(1));
  }
  return commands;
}

RedisOptions ServiceUserOptions(std::uint16_t port) {
  RedisOptions options = PatientOptions(port);
  options.username = "tokensvc";
  options.password = []() -> asio::awaitable<absl::StatusOr<Secret>> {
    co_return Secret::CopyOf(kServicePassword);
  };
  return options;
}

}  // namespace tokensvc::testing
