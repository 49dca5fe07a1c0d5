// SPDX-License-Identifier: Apache-2.0
#include "service/config/field_value.h"

#include <google/protobuf/duration.pb.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "service/config/address.h"
#include "service/config/scalar.h"
#include "service/config/schema.h"
#include "service/config/secret_reference.h"

namespace tokensvc {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

constexpr std::size_t kDefaultMaxLength = 1024;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

std::string ProblemOfFormat(const std::string& text, const FieldDescriptor& field) {
  const std::string must_be = absl::StrCat("must be ", Expectation(field));
  switch (RuleOf(field).format()) {
    case config::v1::FORMAT_SECRET_REFERENCE: {
      const auto reference = ParseSecretReference(text);
      return reference.ok() ? "" : std::string(reference.status().message());
    }
    case config::v1::FORMAT_HOST_PORT:
      return ParseHostPort(text) ? "" : must_be;
    case config::v1::FORMAT_URL:
      return std::string(ProblemOfAuthorityUrl(text));
    case config::v1::FORMAT_NAME:
      return IsConfigName(text) ? "" : must_be;
    default:
      return "";
  }
}

std::optional<std::int64_t> ParseUnbounded(absl::string_view text, const FieldDescriptor& field) {
  if (RuleOf(field).format() == config::v1::FORMAT_SIZE) return ParseConfigSize(text);
  if (!IsDuration(field)) return ParseConfigInteger(text);
  const std::optional<absl::Duration> duration = ParseConfigDuration(text);
  // 2^63 ns are 292 years; more than that is outside every bound as well.
  return duration ? std::optional(absl::ToInt64Nanoseconds(*duration)) : std::nullopt;
}

}  // namespace

std::string ProblemOfText(const YamlNode& node, const FieldDescriptor& field) {
  const config::v1::Rule& rule = RuleOf(field);
  const std::string& text = node.text;
  const std::size_t longest = rule.max_length() > 0 ? rule.max_length() : kDefaultMaxLength;
  // A secret first: whatever else is wrong, what to write is a reference.
  if (rule.format() == config::v1::FORMAT_SECRET_REFERENCE) {
    if (std::string problem = ProblemOfFormat(text, field); !problem.empty()) return problem;
  }
  if (text.empty()) return absl::StrCat("is empty: write ", Expectation(field));
  if (node.plain && LooksLikeOtherType(text)) {
    return "looks like a number, a date or a boolean, where text belongs: put it in quotes";
  }
  if (text.size() > longest) return absl::StrCat("is longer than ", longest, " bytes");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) return "has a line break or another control character in it";
  }
  if (text.front() == ' ' || text.back() == ' ') return "starts or ends with a space";
  return ProblemOfFormat(text, field);
}

Expected<std::int64_t, std::string> ParseQuantity(const YamlNode& node,
                                                  const FieldDescriptor& field) {
  const config::v1::Rule& rule = RuleOf(field);
  const bool bare_number = !IsDuration(field) && rule.format() != config::v1::FORMAT_SIZE;
  const std::optional<std::int64_t> number = ParseUnbounded(node.text, field);
  if (!number || (bare_number && !node.plain)) {
    return absl::StrCat("must be ", Expectation(field));
  }
  const auto lowest = ParseUnbounded(rule.min(), field);
  const auto highest = ParseUnbounded(rule.max(), field);
  if ((lowest && *number < *lowest) || (highest && *number > *highest)) {
    return absl::StrCat("is out of range: write ", rule.min(), " to ", rule.max());
  }
  return *number;
}

void SetQuantity(std::int64_t quantity, const FieldDescriptor& field, pb::Message* message) {
  const pb::Reflection& reflection = *message->GetReflection();
  if (IsDuration(field)) {
    auto* duration = static_cast<pb::Duration*>(reflection.MutableMessage(message, &field));
    duration->set_seconds(quantity / kNanosecondsPerSecond);
    duration->set_nanos(static_cast<std::int32_t>(quantity % kNanosecondsPerSecond));
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    reflection.SetUInt64(message, &field, static_cast<std::uint64_t>(quantity));
  } else {
    reflection.SetUInt32(message, &field, static_cast<std::uint32_t>(quantity));
  }
}

std::string ResolvePath(const std::string& text, config::v1::Format format,
                        absl::string_view base_directory) {
  absl::string_view prefix;
  if (format == config::v1::FORMAT_SECRET_REFERENCE && absl::StartsWith(text, "file:")) {
    prefix = "file:";
  } else if (format != config::v1::FORMAT_FILE) {
    return text;
  }
  const absl::string_view path = absl::string_view(text).substr(prefix.size());
  if (base_directory.empty() || absl::StartsWith(path, "/")) return text;
  return absl::StrCat(prefix, base_directory, "/", path);
}

}  // namespace tokensvc
