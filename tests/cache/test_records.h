// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_TEST_RECORDS_H_
#define TOKENSVC_TESTS_CACHE_TEST_RECORDS_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

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
  std::string token = name;
  token.resize(std::max(shape.token_bytes, name.size()), '.');
  TokenRecord::Fields fields;
  fields.token = token;
  fields.due = shape.due;
  fields.usable_until = shape.usable_until;
  fields.generation = shape.generation;
  return TokenRecord::Make(fields);
}

/// Whether `record` was made with `name`.
inline bool IsRecordOf(const TokenRecord& record, const std::string& name) {
  return record.RevealToken().substr(0, name.size()) == name;
}

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_TEST_RECORDS_H_
