// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_ERROR_H_
#define TOKENSVC_CACHE_REDIS_REDIS_ERROR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cache/redis/resp_value.h"

namespace tokensvc {

/// The code that an error reply begins with ("OOM", "READONLY"), if it is one that we know of;
/// "ERR" for all others. Never text that the server made up.
absl::string_view RedisErrorCode(const RespValue& error);

/// An error reply as a status that names its code and shows nothing else of it: Redis quotes
/// arguments in its messages.
absl::Status RedisErrorStatus(const RespValue& error);

/// What a connection cannot begin without was refused.
struct RedisRefusal {
  std::string code;
  std::string command;
};

/// As RedisErrorStatus, for a command of the handshake, which the text names too.
absl::Status RedisRefusalStatus(const RespValue& error, absl::string_view command);
/// What such a status is about; none: it is another status, or the server refuses everybody now.
std::optional<RedisRefusal> RefusalOf(const absl::Status& status);

/// Whether the error says that this connection, or the server at its end, is of no use until a
/// reconnect: it loads its data, became a replica, or does not know us any more.
bool EndsConnection(const RespValue& error);

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_ERROR_H_
