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

bool EndsConnection(const RespValue& error) { return Find(error).ends_connection; }

}  // namespace tokensvc
