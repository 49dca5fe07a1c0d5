// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/resp_scanner.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"

namespace tokensvc {
namespace {

// The longest line of a type that is a number: 19 digits and a sign.
constexpr std::size_t kMaxNumber = 20;

absl::Status Malformed() { return absl::InternalError("Redis answered something that is no RESP"); }
absl::Status TooLarge() {
  return absl::ResourceExhaustedError("a reply of Redis is larger than allowed");
}

// A number as hiredis reads it: no plus sign, no leading zero, no minus zero.
std::optional<std::int64_t> ParseNumber(absl::string_view text) {
  absl::string_view digits = text;
  if (!digits.empty() && digits[0] == '-') digits.remove_prefix(1);
  if (digits.empty() || (digits[0] == '0' && text.size() > 1)) return std::nullopt;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
  }
  std::int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

}  // namespace

absl::Status RespScanner::Scan(absl::string_view bytes) {
  absl::Status status;
  for (std::size_t i = 0; i < bytes.size() && status.ok();) {
    switch (state_) {
      case State::kType:
        status = OnType(bytes[i++]);
        break;
      case State::kLine:
        status = OnLineByte(bytes[i++]);
        break;
      case State::kBulk: {
        std::size_t used = 0;
        status = OnBulk(bytes.substr(i), used);
        i += used;
        break;
      }
    }
  }
  return status;
}

absl::Status RespScanner::Count(std::size_t bytes) {
  if (bytes > max_reply_size_ - reply_size_) return TooLarge();
  reply_size_ += bytes;
  return absl::OkStatus();
}

absl::Status RespScanner::OnType(char type) {
  if (absl::string_view("+-:$*").find(type) == absl::string_view::npos) return Malformed();
  type_ = type;
  number_.clear();
  after_return_ = false;
  state_ = State::kLine;
  return Count(1);
}

absl::Status RespScanner::OnLineByte(char byte) {
  if (const absl::Status status = Count(1); !status.ok()) return status;
  if (byte == '\n' && after_return_) return OnLine();
  const bool is_number = type_ != '+' && type_ != '-';
  if (is_number) {
    // Nothing but the line's end may follow a carriage return.
    if (after_return_ || number_.size() > kMaxNumber) return Malformed();
    if (byte != '\r') number_.push_back(byte);
  }
  after_return_ = byte == '\r';
  return absl::OkStatus();
}

absl::Status RespScanner::OnLine() {
  state_ = State::kType;
  if (type_ == '+' || type_ == '-') {
    OnValue();
    return absl::OkStatus();
  }
  const std::optional<std::int64_t> number = ParseNumber(number_);
  if (!number.has_value()) return Malformed();
  if (type_ == ':' || *number == -1) {
    OnValue();
    return absl::OkStatus();
  }
  if (*number < 0) return Malformed();
  if (type_ == '$') {
    const auto length = static_cast<std::uint64_t>(*number);
    if (length > max_reply_size_ || length + 2 > max_reply_size_ - reply_size_) return TooLarge();
    bulk_left_ = static_cast<std::size_t>(length) + 2;
    state_ = State::kBulk;
    return absl::OkStatus();
  }
  if (*number > kMaxElements) return TooLarge();
  if (*number == 0) {
    OnValue();
    return absl::OkStatus();
  }
  if (depth_ == kMaxDepth) return TooLarge();
  elements_left_[depth_++] = *number;
  return absl::OkStatus();
}

absl::Status RespScanner::OnBulk(absl::string_view bytes, std::size_t& used) {
  if (bulk_left_ > 2) {
    used = std::min(bytes.size(), bulk_left_ - 2);
  } else {
    if (bytes[0] != (bulk_left_ == 2 ? '\r' : '\n')) return Malformed();
    used = 1;
  }
  bulk_left_ -= used;
  if (bulk_left_ == 0) {
    state_ = State::kType;
    const absl::Status status = Count(used);
    OnValue();
    return status;
  }
  return Count(used);
}

void RespScanner::OnValue() {
  while (depth_ > 0) {
    if (--elements_left_[depth_ - 1] > 0) return;
    --depth_;
  }
  ++replies_;
  reply_size_ = 0;
}

}  // namespace tokensvc
