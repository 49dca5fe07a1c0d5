// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_RESP_READER_H_
#define TOKENSVC_CACHE_REDIS_RESP_READER_H_

#include <cstddef>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/redis/resp_scanner.h"
#include "cache/redis/resp_value.h"

// hiredis', which only resp_reader.cc sees.
struct redisReader;

namespace tokensvc {

/// Turns the bytes of a connection into replies: hiredis' reader behind `RespScanner`'s caps. Not
/// thread-safe.
class RespReader {
 public:
  explicit RespReader(std::size_t max_reply_size);

  /// Takes the bytes that come next. Errors are those of `RespScanner::Scan`; after one the stream
  /// is of no use any more.
  absl::Status Feed(absl::string_view bytes);

  /// The next complete reply; none: more bytes are needed. kInternal as `Feed`.
  absl::StatusOr<std::optional<RespValue>> Next();

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };

  RespScanner scanner_;
  std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_RESP_READER_H_
