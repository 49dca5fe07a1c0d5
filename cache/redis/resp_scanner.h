// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_RESP_SCANNER_H_
#define TOKENSVC_CACHE_REDIS_RESP_SCANNER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tokensvc {

/// Reads along with the bytes of RESP2 before hiredis sees them and refuses what announces too
/// much: hiredis 0.14 would make room for a bulk string of 512 MB or an array of 2^30 elements
/// because a header says so. Strict in all else, too, so that the two cannot disagree about where a
/// reply ends. Not thread-safe.
class RespScanner {
 public:
  static constexpr std::int64_t kMaxElements = 4096;  ///< Of one array.
  static constexpr std::size_t kMaxDepth = 4;         ///< Arrays within arrays.

  /// A reply may have `max_reply_size` bytes, headers included.
  explicit RespScanner(std::size_t max_reply_size) : max_reply_size_(max_reply_size) {}

  /// Looks at the bytes that come next. kInternal where they are not RESP2, kResourceExhausted
  /// where a reply is larger than it may be; after that the stream is of no use any more.
  absl::Status Scan(absl::string_view bytes);

  /// Complete replies so far.
  std::uint64_t replies() const { return replies_; }

 private:
  enum class State { kType, kLine, kBulk };

  absl::Status OnType(char type);
  absl::Status OnLineByte(char byte);
  absl::Status OnLine();
  absl::Status OnBulk(absl::string_view bytes, std::size_t& used);
  absl::Status Count(std::size_t bytes);
  void OnValue();

  const std::size_t max_reply_size_;
  State state_ = State::kType;
  char type_ = 0;
  bool after_return_ = false;   // the line's last byte was a carriage return
  std::string number_;          // the line so far, of types that are numbers
  std::size_t bulk_left_ = 0;   // the string's bytes that are missing, and its line end
  std::size_t reply_size_ = 0;  // of the reply that has begun
  std::array<std::int64_t, kMaxDepth> elements_left_{};
  std::size_t depth_ = 0;
  std::uint64_t replies_ = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_RESP_SCANNER_H_
