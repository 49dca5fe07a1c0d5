// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_error.h"

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

struct KnownError {
  absl::string_view code;
  absl::StatusCode status;
  bool ends_connection;
};

constexpr KnownError kKnown[] = {
    {"LOADING", absl::StatusCode::kUnavailable, true},
    {"MASTERDOWN", absl::StatusCode::kUnavailable, true},
    {"READONLY", absl::StatusCode::kUnavailable, true},
    {"NOAUTH", absl::StatusCode::kUnavailable, true},
    {"WRONGPASS", absl::StatusCode::kUnavailable, true},
    {"BUSY", absl::StatusCode::kUnavailable, false},
    {"MISCONF", absl::StatusCode::kUnavailable, false},
    {"NOREPLICAS", absl::StatusCode::kUnavailable, false},
    {"OOM", absl::StatusCode::kResourceExhausted, false},
    {"NOPERM", absl::StatusCode::kPermissionDenied, false},
    {"NOSCRIPT", absl::StatusCode::kNotFound, false},
    {"WRONGTYPE", absl::StatusCode::kFailedPrecondition, false},
};

constexpr char kRefusal[] = "tokensvc/redis-refusal";

constexpr KnownError kOther = {"ERR", absl::StatusCode::kInternal, false};

const KnownError& Find(const RespValue& error) {
  const absl::string_view text = error.text;
  const absl::string_view code = text.substr(0, text.find(' '));
  for (const KnownError& known : kKnown) {
    if (known.code == code) return known;
  }
  return kOther;
}

}  // namespace

absl::string_view RedisErrorCode(const RespValue& error) { return Find(error).code; }

absl::Status RedisErrorStatus(const RespValue& error) {
  const KnownError& known = Find(error);
  return absl::Status(known.status, absl::StrCat("Redis answered ", known.code));
}

absl::Status RedisRefusalStatus(const RespValue& error, absl::string_view command) {
  const KnownError& known = Find(error);
  absl::Status status(known.status, absl::StrCat("Redis answered ", known.code, " to ", command));
  if (!known.ends_connection)
    status.SetPayload(kRefusal, absl::Cord(absl::StrCat(known.code, " ", command)));
  return status;
}

std::optional<RedisRefusal> RefusalOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kRefusal);
  if (!payload.has_value()) return std::nullopt;
  const std::string text(*payload);
  const std::size_t space = text.find(' ');
  return RedisRefusal{text.substr(0, space), text.substr(space + 1)};
}

bool EndsConnection(const RespValue& error) { return Find(error).ends_connection; }

}  // namespace tokensvc
