// SPDX-License-Identifier: Apache-2.0
#include "service/config/config_text.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "service/config/schema.h"
#include "service/config/secret_reference.h"

namespace tokensvc {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

/// A double-quoted scalar (YAML 1.2 §7.3.1), on one line.
std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&quoted, "\\x%02x", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

/// A number with the largest of `units`, largest first, that divides it.
std::string WithUnit(std::uint64_t number,
                     std::initializer_list<std::pair<std::uint64_t, const char*>> units) {
  for (const auto& [size, unit] : units) {
    if (number % size == 0 && (number != 0 || size == 1)) return absl::StrCat(number / size, unit);
  }
  return absl::StrCat(number);
}

std::string DurationText(const pb::Message& message) {
  const auto& duration = static_cast<const pb::Duration&>(message);
  const auto milliseconds = static_cast<std::uint64_t>(duration.seconds()) * 1000 +
                            static_cast<std::uint64_t>(duration.nanos()) / 1'000'000;
  if (milliseconds == 0) return "0s";
  return WithUnit(milliseconds, {{3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}});
}

std::string SizeText(std::uint64_t bytes) {
  return WithUnit(bytes, {{std::uint64_t{1} << 30, "GiB"},
                          {std::uint64_t{1} << 20, "MiB"},
                          {std::uint64_t{1} << 10, "KiB"},
                          {1, "B"}});
}

class Writer {
 public:
  explicit Writer(const ConfigTextOptions& options) : options_(options) {}

  ConfigText Take() { return {std::move(text_), truncated_}; }

  /// The keys of `message`, each on lines of its own that start with `indent` spaces. `first`: what
  /// the first of them starts with instead. `in_named`: inside of the entry that was asked for.
  void WriteKeys(const pb::Message& message, int indent, std::string first, bool in_named) {
    const pb::Descriptor& type = *message.GetDescriptor();
    const pb::Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (indent == 0 && !options_.section.empty() && field.name() != options_.section) continue;
      if (!IsGiven(reflection, message, field)) continue;
      const std::string lead = first.empty() ? std::string(Width(indent), ' ') : std::move(first);
      first.clear();
      absl::StrAppend(&text_, lead, field.name(), ":");
      WriteField(message, field, indent, in_named);
    }
  }

 private:
  static std::size_t Width(int indent) { return static_cast<std::size_t>(indent); }

  /// Whether the file would say it. What has no presence is, unless it stands for "not given".
  static bool IsGiven(const pb::Reflection& reflection, const pb::Message& message,
                      const FieldDescriptor& field) {
    if (field.is_repeated()) return reflection.FieldSize(message, &field) > 0;
    if (field.has_presence()) return reflection.HasField(message, &field);
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return !reflection.GetString(message, &field).empty();
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.GetEnumValue(message, &field) != 0;
      case FieldDescriptor::CPPTYPE_UINT32:  // Without a default, 0 stands for "not given".
        return !RuleOf(field).default_value().empty() || reflection.GetUInt32(message, &field) != 0;
      case FieldDescriptor::CPPTYPE_UINT64:
        return !RuleOf(field).default_value().empty() || reflection.GetUInt64(message, &field) != 0;
      default:
        return true;
    }
  }

  static bool AnyGiven(const pb::Message& message) {
    const pb::Descriptor& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      if (IsGiven(*message.GetReflection(), message, *type.field(i))) return true;
    }
    return false;
  }

  void WriteField(const pb::Message& message, const FieldDescriptor& field, int indent,
                  bool in_named) {
    const pb::Reflection& reflection = *message.GetReflection();
    if (field.is_repeated()) return WriteList(message, field, indent, in_named);
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || IsDuration(field)) {
      absl::StrAppend(&text_, " ", ScalarText(message, field), "\n");
      return;
    }
    const pb::Message& value = reflection.GetMessage(message, &field);
    if (!AnyGiven(value)) {
      text_ += " {}\n";
      return;
    }
    text_ += "\n";
    WriteKeys(value, indent + 2, "", in_named);
  }

  void WriteList(const pb::Message& message, const FieldDescriptor& field, int indent,
                 bool in_named) {
    const pb::Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    const bool messages = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    const FieldDescriptor* const name =
        messages ? field.message_type()->FindFieldByName("name") : nullptr;
    const bool choose = !in_named && name != nullptr && !options_.name.empty();
    const std::size_t start = text_.size();
    text_ += "\n";
    const std::size_t empty = text_.size();
    for (int i = 0; i < size; ++i) {
      if (text_.size() > options_.max_bytes) {
        truncated_ = true;
        absl::StrAppend(&text_, std::string(Width(indent) + 2, ' '), "# ", size - i,
                        " more are left out\n");
        break;
      }
      const std::string lead = std::string(Width(indent) + 2, ' ') + "- ";
      if (!messages) {
        absl::StrAppend(&text_, lead, ElementText(message, field, i), "\n");
        continue;
      }
      const pb::Message& element = reflection.GetRepeatedMessage(message, &field, i);
      if (choose && element.GetReflection()->GetString(element, name) != options_.name) continue;
      if (AnyGiven(element)) {
        WriteKeys(element, indent + 4, lead, in_named || choose);
      } else {
        absl::StrAppend(&text_, lead, "{}\n");
      }
    }
    if (text_.size() == empty) {  // Nothing that was asked for.
      text_.resize(start);
      text_ += " []\n";
    }
  }

  static std::string EnumText(const pb::EnumDescriptor& type, int number) {
    const pb::EnumValueDescriptor* const value = type.FindValueByNumber(number);
    return value == nullptr ? "\"\"" : WrittenName(*value);
  }

  static std::string StringText(const std::string& value, const FieldDescriptor& field) {
    // Validation has refused everything else; this does not depend on it.
    if (RuleOf(field).format() == config::v1::FORMAT_SECRET_REFERENCE &&
        !ParseSecretReference(value).ok()) {
      return "\"\" # not a reference";
    }
    return Quoted(value);
  }

  static std::string ElementText(const pb::Message& message, const FieldDescriptor& field,
                                 int index) {
    const pb::Reflection& reflection = *message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      return EnumText(*field.enum_type(), reflection.GetRepeatedEnumValue(message, &field, index));
    }
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) return "\"\" # of a type unknown here";
    return StringText(reflection.GetRepeatedString(message, &field, index), field);
  }

  static std::string ScalarText(const pb::Message& message, const FieldDescriptor& field) {
    const pb::Reflection& reflection = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return DurationText(reflection.GetMessage(message, &field));
      case FieldDescriptor::CPPTYPE_ENUM:
        return EnumText(*field.enum_type(), reflection.GetEnumValue(message, &field));
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection.GetBool(message, &field) ? "true" : "false";
      case FieldDescriptor::CPPTYPE_STRING:
        return StringText(reflection.GetString(message, &field), field);
      case FieldDescriptor::CPPTYPE_UINT64: {
        const std::uint64_t number = reflection.GetUInt64(message, &field);
        return RuleOf(field).format() == config::v1::FORMAT_SIZE ? SizeText(number)
                                                                 : absl::StrCat(number);
      }
      case FieldDescriptor::CPPTYPE_UINT32:
        return absl::StrCat(reflection.GetUInt32(message, &field));
      default:
        return "\"\" # of a type unknown here";
    }
  }

  const ConfigTextOptions& options_;
  std::string text_;
  bool truncated_ = false;
};

}  // namespace

ConfigText WriteConfig(const config::v1::ServiceConfig& config, const ConfigTextOptions& options) {
  Writer writer(options);
  writer.WriteKeys(config, 0, "", /*in_named=*/false);
  return writer.Take();
}

bool IsConfigSection(const std::string& section) {
  return config::v1::ServiceConfig::descriptor()->FindFieldByName(section) != nullptr;
}

}  // namespace tokensvc
