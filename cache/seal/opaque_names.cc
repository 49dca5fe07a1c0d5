// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/opaque_names.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cache/seal/length_prefix.h"

namespace tokensvc {
namespace {

// Begins unlike any input of a record's key, whose first bytes are a length.
constexpr char kCheckLabel[] = "tokensvc key check v1:";
constexpr char kBudgetLabel[] = "tokensvc budget v1:";
constexpr char kPurgeLabel[] = "tokensvc purge scope v1:";

}  // namespace

OpaqueNames::OpaqueNames(std::string key_prefix, std::string keyspace)
    : key_prefix_(std::move(key_prefix)), keyspace_(std::move(keyspace)) {}

std::string OpaqueNames::RecordKey(const RingKey& index_key, absl::string_view canonical_key) {
  std::string input;
  input.reserve(16 + keyspace_.size() + canonical_key.size());
  AppendLengthPrefixed(keyspace_, &input);
  AppendLengthPrefixed(canonical_key, &input);
  return absl::StrCat(
      key_prefix_, "v:", absl::WebSafeBase64Escape(mac_.Compute(index_key.bytes.Reveal(), input)));
}

std::string OpaqueNames::BudgetKey(const RingKey& index_key, absl::string_view partition,
                                   absl::string_view name) {
  std::string input = kBudgetLabel;
  AppendLengthPrefixed(keyspace_, &input);
  AppendLengthPrefixed(partition, &input);
  const std::string tag = absl::WebSafeBase64Escape(mac_.Compute(index_key.bytes.Reveal(), input));
  AppendLengthPrefixed(name, &input);
  return absl::StrCat(key_prefix_, "b:{", tag, "}:",
                      absl::WebSafeBase64Escape(mac_.Compute(index_key.bytes.Reveal(), input)));
}

std::string OpaqueNames::PurgeName(const RingKey& index_key, std::uint8_t kind,
                                   absl::string_view scope) {
  std::string input = kPurgeLabel;
  AppendLengthPrefixed(keyspace_, &input);
  AppendBigEndian(kind, 1, &input);
  AppendLengthPrefixed(scope, &input);
  return absl::WebSafeBase64Escape(mac_.Compute(index_key.bytes.Reveal(), input));
}

std::string OpaqueNames::CheckProof(const RingKey& index_key, absl::string_view context) {
  std::string input = kCheckLabel;
  AppendLengthPrefixed(keyspace_, &input);
  AppendLengthPrefixed(context, &input);
  return mac_.Compute(index_key.bytes.Reveal(), input);
}

}  // namespace tokensvc
