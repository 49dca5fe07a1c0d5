// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_COMMAND_H_
#define TOKENSVC_CACHE_REDIS_REDIS_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tokensvc {

/// A command's name and its arguments, each any bytes.
using RedisCommand = std::vector<std::string>;

/// Appends the wire form of `command` to `out`. No copy of it stays behind elsewhere in memory: the
/// command may be AUTH. kResourceExhausted where there is no memory for it.
absl::Status AppendCommand(const RedisCommand& command, std::string& out);

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_COMMAND_H_
