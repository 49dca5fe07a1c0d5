// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_RESP_VALUE_H_
#define TOKENSVC_CACHE_REDIS_RESP_VALUE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace tokensvc {

/// One reply of Redis (RESP2).
struct RespValue {
  enum class Kind { kNull, kString, kStatus, kError, kInteger, kArray };

  Kind kind = Kind::kNull;
  std::string text;                 ///< Of kString, kStatus and kError.
  std::int64_t integer = 0;         ///< Of kInteger.
  std::vector<RespValue> elements;  ///< Of kArray.

  friend bool operator==(const RespValue&, const RespValue&) = default;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_RESP_VALUE_H_
