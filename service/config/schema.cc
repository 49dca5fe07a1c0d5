// SPDX-License-Identifier: Apache-2.0
#include "service/config/schema.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace tokensvc {

namespace pb = google::protobuf;

namespace {

// `UnauthenticatedPeers` → `UNAUTHENTICATED_PEERS_`.
std::string ValuePrefix(const pb::EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  return prefix + "_";
}

// The number of edits (insert, delete, replace) between two words (Levenshtein).
std::size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string EnumExpectation(const pb::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) names.push_back(WrittenName(*type.value(i)));
  }
  return absl::StrCat("one of ", absl::StrJoin(names, ", "));
}

}  // namespace

const config::v1::Rule& RuleOf(const pb::FieldDescriptor& field) {
  return field.options().GetExtension(config::v1::rule);
}

bool IsDuration(const pb::FieldDescriptor& field) {
  return field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() == "google.protobuf.Duration";
}

std::string WrittenName(const pb::EnumValueDescriptor& value) {
  if (value.options().HasExtension(config::v1::written_as)) {
    return value.options().GetExtension(config::v1::written_as);
  }
  const std::string prefix = ValuePrefix(*value.type());
  return absl::AsciiStrToLower(absl::StripPrefix(value.name(), prefix));
}

const pb::EnumValueDescriptor* FindWrittenValue(const pb::EnumDescriptor& type,
                                                absl::string_view written) {
  for (int i = 0; i < type.value_count(); ++i) {
    const pb::EnumValueDescriptor* value = type.value(i);
    if (value->number() != 0 && WrittenName(*value) == written) return value;
  }
  return nullptr;
}

std::string Expectation(const pb::FieldDescriptor& field) {
  const config::v1::Rule& rule = RuleOf(field);
  if (IsDuration(field)) return "a duration such as 100ms, 30s, 5m or 1h";
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return field.message_type()->field_count() == 0
                 ? "{}"
                 : absl::StrCat("a map with keys of: ", KnownKeys(*field.message_type()));
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return EnumExpectation(*field.enum_type());
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return "true or false, without quotes";
    case pb::FieldDescriptor::CPPTYPE_STRING:
      break;
    default:
      return rule.format() == config::v1::FORMAT_SIZE
                 ? "a size such as 64KiB or 256MiB"
                 : absl::StrCat("a whole number such as ",
                                rule.default_value().empty() ? rule.min() : rule.default_value(),
                                ", without quotes");
  }
  switch (rule.format()) {
    case config::v1::FORMAT_SECRET_REFERENCE:
      return "where the secret is, as file:PATH or env:NAME";
    case config::v1::FORMAT_FILE:
      return "the path of a file";
    case config::v1::FORMAT_HOST_PORT:
      return "an IP address (or localhost) and a port, such as 127.0.0.1:7443 or \"[::1]:7443\"";
    case config::v1::FORMAT_URL:
      return "a URL such as https://login.example.com";
    case config::v1::FORMAT_NAME:
      return "a name of lower-case letters, digits, dots, hyphens and underscores, at most 63, "
             "that "
             "starts with a letter or a digit";
    default:
      return "text (in quotes where it looks like a number, a date or a boolean)";
  }
}

std::string KnownKeys(const pb::Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return absl::StrJoin(names, ", ");
}

const pb::FieldDescriptor* NearestKey(const pb::Descriptor& type, absl::string_view written) {
  if (written.size() > 40) return nullptr;
  std::string folded = absl::AsciiStrToLower(written);
  std::replace(folded.begin(), folded.end(), '-', '_');
  const pb::FieldDescriptor* nearest = nullptr;
  // A third of the letters wrong is no misspelling any more.
  std::size_t best = 0;
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string& name = type.field(i)->name();
    const std::size_t distance = EditDistance(folded, name);
    if (distance > std::max<std::size_t>(1, name.size() / 3)) continue;
    if (nearest == nullptr || distance < best) {
      nearest = type.field(i);
      best = distance;
    }
  }
  return nearest;
}

bool IsShowableKey(absl::string_view key) {
  return !key.empty() && key.size() <= 40 &&
         key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == absl::string_view::npos;
}

}  // namespace tokensvc
