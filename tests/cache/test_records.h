// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_TEST_RECORDS_H_
#define TOKENSVC_TESTS_CACHE_TEST_RECORDS_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "cache/token_record.h"

namespace tokensvc::testing {

/// `seconds` on a boot-time line of the tests' own.
inline BootTime At(double seconds) {
  return BootTime(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)));
}

struct RecordShape {
  std::size_t token_bytes = 100;
  BootTime due = At(1000);
  BootTime usable_until = At(2000);
  std::uint64_t generation = 0;
};

/// A record whose token begins with `name`.
inline std::shared_ptr<const TokenRecord> MakeRecord(const std::string& name,
                                                     const RecordShape& shape = {}) {
  TokenRecord record;
  std::string token = name;
  token.resize(std::max(shape.token_bytes, name.size()), '.');
  record.token = Secret(std::move(token));
  record.due = shape.due;
  record.usable_until = shape.usable_until;
  record.generation = shape.generation;
  return std::make_shared<const TokenRecord>(std::move(record));
}

/// Whether `record` was made with `name`.
inline bool IsRecordOf(const TokenRecord& record, const std::string& name) {
  return record.token.Reveal().substr(0, name.size()) == name;
}

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_TEST_RECORDS_H_
