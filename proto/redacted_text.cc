// SPDX-License-Identifier: Apache-2.0
#include "proto/redacted_text.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "tokensvc/v1/options.pb.h"

namespace tokensvc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMaxDepth = 64;

/// protobuf's own printers know nothing of our option (3.21 has no `debug_redact`), and scrubbing a
/// copy would leave one more copy of the secrets in memory; so this walks the message itself.
class Printer {
 public:
  explicit Printer(RedactedLayout layout) : layout_(layout) {}

  std::string Take() && { return std::move(text_); }

  void PrintMessage(const Message& message, int depth) {
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (!field->is_repeated()) {
        PrintField(message, *field, -1, depth);
        continue;
      }
      const int size = reflection.FieldSize(message, field);
      for (int i = 0; i < size; ++i) PrintField(message, *field, i, depth);
    }
  }

  void PrintPacked(const Message& any) {
    text_.append(PackedType(any));
    EndLine();
  }

 private:
  void PrintField(const Message& message, const FieldDescriptor& field, int index, int depth) {
    StartLine(depth);
    if (field.is_extension()) {
      absl::StrAppend(&text_, "[", field.full_name(), "]");
    } else {
      text_.append(field.name());
    }
    if (field.options().GetExtension(v1::sensitive)) {
      absl::StrAppend(&text_, ": <redacted, ", ValueSize(message, field, index), " bytes>");
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      PrintSubMessage(SubMessage(message, field, index), depth);
    } else {
      absl::StrAppend(&text_, ": ", Scalar(message, field, index));
    }
    EndLine();
  }

  void PrintSubMessage(const Message& message, int depth) {
    const Descriptor& type = *message.GetDescriptor();
    if (type.full_name() == "google.protobuf.Any") {
      absl::StrAppend(&text_, " ", PackedType(message));
      return;
    }
    if (depth + 1 >= kMaxDepth) {
      text_.append(" { <too deep> }");
      return;
    }
    text_.append(" {");
    EndLine();
    const std::size_t before = text_.size();
    PrintMessage(message, depth + 1);
    if (layout_ == RedactedLayout::kLines) {
      text_.append(static_cast<std::size_t>(depth) * 2, ' ');
    } else if (text_.size() != before) {
      text_.push_back(' ');
    }
    text_.push_back('}');
  }

  static const Message& SubMessage(const Message& message, const FieldDescriptor& field,
                                   int index) {
    const Reflection& reflection = *message.GetReflection();
    return index < 0 ? reflection.GetMessage(message, &field)
                     : reflection.GetRepeatedMessage(message, &field, index);
  }

  /// By descriptor, not by cast: a dynamic message of the same type must not slip through.
  static std::string PackedType(const Message& any) {
    const FieldDescriptor* url = any.GetDescriptor()->FindFieldByNumber(1);
    const FieldDescriptor* value = any.GetDescriptor()->FindFieldByNumber(2);
    if (url == nullptr || value == nullptr) return "{ <packed> }";
    std::string scratch;
    const Reflection& reflection = *any.GetReflection();
    const std::size_t size = reflection.GetStringReference(any, value, &scratch).size();
    return absl::StrCat("{ [", absl::CEscape(reflection.GetStringReference(any, url, &scratch)),
                        "] <packed, ", size, " bytes> }");
  }

  static std::size_t ValueSize(const Message& message, const FieldDescriptor& field, int index) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return StringValue(message, field, index, &scratch).size();
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return SubMessage(message, field, index).ByteSizeLong();
      case FieldDescriptor::CPPTYPE_BOOL:
        return 1;
      case FieldDescriptor::CPPTYPE_INT64:
      case FieldDescriptor::CPPTYPE_UINT64:
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return 8;  // The size of the type: that of the encoding would tell the magnitude.
      default:
        return 4;
    }
  }

  static const std::string& StringValue(const Message& message, const FieldDescriptor& field,
                                        int index, std::string* scratch) {
    const Reflection& reflection = *message.GetReflection();
    return index < 0 ? reflection.GetStringReference(message, &field, scratch)
                     : reflection.GetRepeatedStringReference(message, &field, index, scratch);
  }

  static std::string Scalar(const Message& message, const FieldDescriptor& field, int index) {
    const Reflection& r = *message.GetReflection();
    const bool one = index < 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return absl::StrCat(one ? r.GetInt32(message, &field)
                                : r.GetRepeatedInt32(message, &field, index));
      case FieldDescriptor::CPPTYPE_INT64:
        return absl::StrCat(one ? r.GetInt64(message, &field)
                                : r.GetRepeatedInt64(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT32:
        return absl::StrCat(one ? r.GetUInt32(message, &field)
                                : r.GetRepeatedUInt32(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT64:
        return absl::StrCat(one ? r.GetUInt64(message, &field)
                                : r.GetRepeatedUInt64(message, &field, index));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return absl::StrCat(one ? r.GetDouble(message, &field)
                                : r.GetRepeatedDouble(message, &field, index));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return absl::StrCat(one ? r.GetFloat(message, &field)
                                : r.GetRepeatedFloat(message, &field, index));
      case FieldDescriptor::CPPTYPE_BOOL: {
        const bool value =
            one ? r.GetBool(message, &field) : r.GetRepeatedBool(message, &field, index);
        return value ? "true" : "false";
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number =
            one ? r.GetEnumValue(message, &field) : r.GetRepeatedEnumValue(message, &field, index);
        const EnumValueDescriptor* value = field.enum_type()->FindValueByNumber(number);
        return value != nullptr ? value->name() : absl::StrCat(number);
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return absl::StrCat("\"", absl::CEscape(StringValue(message, field, index, &scratch)),
                            "\"");
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    return "<unprintable>";
  }

  void StartLine(int depth) {
    if (layout_ == RedactedLayout::kLines) {
      text_.append(static_cast<std::size_t>(depth) * 2, ' ');
    } else if (!text_.empty()) {
      text_.push_back(' ');
    }
  }

  void EndLine() {
    if (layout_ == RedactedLayout::kLines) text_.push_back('\n');
  }

  const RedactedLayout layout_;
  std::string text_;
};

}  // namespace

std::string RedactedText(const Message& message, RedactedLayout layout) {
  Printer printer(layout);
  if (message.GetDescriptor()->full_name() == "google.protobuf.Any") {
    printer.PrintPacked(message);
  } else {
    printer.PrintMessage(message, 0);
  }
  return std::move(printer).Take();
}

}  // namespace tokensvc
