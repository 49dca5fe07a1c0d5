// SPDX-License-Identifier: Apache-2.0
#include "service/config/proto_walker.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/config/field_value.h"
#include "service/config/schema.h"

namespace tokensvc {
namespace {

namespace pb = google::protobuf;
using pb::Descriptor;
using pb::FieldDescriptor;
using pb::Message;
using pb::OneofDescriptor;

constexpr int kDefaultMaxItems = 1000;

class Walker {
 public:
  Walker(absl::string_view base_directory, ConfigLocations* locations, ConfigErrorCollector* errors)
      : base_directory_(base_directory), locations_(locations), errors_(errors) {}

  void FillMessage(const YamlNode& node, const std::string& path, Message* message);

 private:
  using Seen = std::map<const FieldDescriptor*, ConfigPosition>;

  void FillEntry(const YamlEntry& entry, const std::string& path, Message* message, Seen* seen);
  void FillAbsent(const YamlNode& node, const std::string& path, const Seen& seen,
                  Message* message);
  void FillField(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
                 Message* message);
  void FillList(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
                Message* message);
  void FillScalar(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
                  Message* message);
  void FillDefault(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
                   Message* message);
  void ReportUnknownKey(const YamlNode& key, const std::string& path, const Descriptor& type);
  bool Refused(const YamlNode& node, const std::string& expectation, const std::string& path);
  void Report(const YamlNode& node, const std::string& path, std::string message) {
    errors_->Add(path, node.position, std::move(message));
  }

  absl::string_view base_directory_;
  ConfigLocations* locations_;
  ConfigErrorCollector* errors_;
};

std::string ChildPath(const std::string& path, absl::string_view key) {
  return path.empty() ? std::string(key) : absl::StrCat(path, ".", key);
}

std::string MemberNames(const OneofDescriptor& oneof) {
  std::string names;
  for (int i = 0; i < oneof.field_count(); ++i) {
    absl::StrAppend(&names,
                    i == 0                         ? ""
                    : i + 1 == oneof.field_count() ? " or "
                                                   : ", ",
                    oneof.field(i)->name());
  }
  return names;
}

// What no kind of field accepts.
bool Walker::Refused(const YamlNode& node, const std::string& expectation,
                     const std::string& path) {
  if (!node.problem.empty()) {
    Report(node, path, std::string(node.problem));
    return true;
  }
  if (node.kind == YamlNode::Kind::kNull) {
    Report(node, path, absl::StrCat("has no value: write ", expectation, ", or remove the key"));
    return true;
  }
  return false;
}

void Walker::ReportUnknownKey(const YamlNode& key, const std::string& path,
                              const Descriptor& type) {
  if (key.text == "<<") {
    Report(key, path, "merge keys (<<) are not accepted: write the keys out");
    return;
  }
  const FieldDescriptor* nearest = NearestKey(type, key.text);
  const bool show = IsShowableKey(key.text);
  std::string message = "is not a known key";
  if (!show) message = "there is an unknown key here";
  if (nearest != nullptr) {
    absl::StrAppend(&message, ": did you mean ", nearest->name(), "?");
  } else if (type.field_count() == 0) {
    absl::StrAppend(&message, ": nothing can be set here, write {}");
  } else {
    absl::StrAppend(&message, ": the known ones are ", KnownKeys(type));
  }
  Report(key, show ? ChildPath(path, key.text) : path, std::move(message));
}

void Walker::FillMessage(const YamlNode& node, const std::string& path, Message* message) {
  const Descriptor& type = *message->GetDescriptor();
  const std::string expectation =
      type.field_count() == 0 ? "{}" : absl::StrCat("a map with keys of: ", KnownKeys(type));
  if (Refused(node, expectation, path)) return;
  if (node.kind != YamlNode::Kind::kMap) {
    Report(node, path, absl::StrCat("must be a map: write ", expectation));
    return;
  }
  Seen seen;
  for (const YamlEntry& entry : node.entries) FillEntry(entry, path, message, &seen);
  FillAbsent(node, path, seen, message);
}

void Walker::FillEntry(const YamlEntry& entry, const std::string& path, Message* message,
                       Seen* seen) {
  const YamlNode& key = entry.key;
  const Descriptor& type = *message->GetDescriptor();
  if (key.kind != YamlNode::Kind::kScalar || !key.problem.empty()) {
    Report(key, path, "a key must be a plain word, without anchor, alias or tag");
    return;
  }
  const FieldDescriptor* field = type.FindFieldByName(key.text);
  if (field == nullptr) {
    ReportUnknownKey(key, path, type);
    return;
  }
  const std::string child = ChildPath(path, field->name());
  if (const auto first = seen->find(field); first != seen->end()) {
    Report(key, child, absl::StrCat("is given twice: the first is in line ", first->second.line));
    return;
  }
  if (const OneofDescriptor* oneof = field->containing_oneof()) {
    for (const auto& [other, position] : *seen) {
      if (other->containing_oneof() != oneof) continue;
      Report(key, child,
             absl::StrCat("cannot stand beside ", other->name(), " (line ", position.line,
                          "): give one of ", MemberNames(*oneof)));
      seen->emplace(field, key.position);
      return;
    }
  }
  seen->emplace(field, key.position);
  locations_->Add(child, key.position);
  FillField(entry.value, *field, child, message);
}

void Walker::FillAbsent(const YamlNode& node, const std::string& path, const Seen& seen,
                        Message* message) {
  const Descriptor& type = *message->GetDescriptor();
  const auto chosen = [&seen](const OneofDescriptor& oneof) {
    for (const auto& [field, position] : seen) {
      if (field->containing_oneof() == &oneof) return true;
    }
    return false;
  };
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (seen.contains(&field)) continue;
    if (field.containing_oneof() != nullptr && chosen(*field.containing_oneof())) continue;
    const config::v1::Rule& rule = RuleOf(field);
    const std::string child = ChildPath(path, field.name());
    if (rule.required() || rule.min_items() > 0) {
      Report(node, child,
             absl::StrCat("is missing: write ", field.is_repeated() ? "a list, each entry " : "",
                          Expectation(field)));
    } else if (!rule.default_value().empty()) {
      FillDefault(node, field, child, message);
    }
  }
  for (int i = 0; i < type.oneof_decl_count(); ++i) {
    const OneofDescriptor& oneof = *type.oneof_decl(i);
    if (!oneof.options().GetExtension(config::v1::required_choice) || chosen(oneof)) continue;
    Report(node, path, absl::StrCat("one of the keys ", MemberNames(oneof), " is missing"));
  }
}

void Walker::FillDefault(const YamlNode& node, const FieldDescriptor& field,
                         const std::string& path, Message* message) {
  YamlNode value;
  value.position = node.position;
  value.kind = YamlNode::Kind::kScalar;
  value.plain = true;
  value.text = RuleOf(field).default_value();
  if (value.text == "{}") value.kind = YamlNode::Kind::kMap;
  FillField(value, field, path, message);
}

void Walker::FillField(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
                       Message* message) {
  if (field.is_repeated()) {
    FillList(node, field, path, message);
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !IsDuration(field)) {
    FillMessage(node, path, message->GetReflection()->MutableMessage(message, &field));
  } else {
    FillScalar(node, field, path, message);
  }
}

void Walker::FillList(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
                      Message* message) {
  const config::v1::Rule& rule = RuleOf(field);
  if (Refused(node, absl::StrCat("a list, each entry ", Expectation(field)), path)) return;
  if (node.kind != YamlNode::Kind::kSequence) {
    Report(node, path,
           absl::StrCat("must be a list: start each entry with \"- \", and write ",
                        Expectation(field)));
    return;
  }
  if (node.items.size() < rule.min_items()) {
    Report(node, path,
           absl::StrCat("must have at least ", rule.min_items(), " entry: write ",
                        Expectation(field)));
  }
  const std::size_t most = rule.max_items() > 0 ? rule.max_items() : kDefaultMaxItems;
  if (node.items.size() > most) {
    Report(node, path, absl::StrCat("must have at most ", most, " entries"));
    return;
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const YamlNode& item = node.items[i];
    const std::string child = absl::StrCat(path, "[", i, "]");
    locations_->Add(child, item.position);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      FillMessage(item, child, message->GetReflection()->AddMessage(message, &field));
    } else {
      FillScalar(item, field, child, message);
    }
  }
}

/// An entry that says nothing: an empty text, or an enum's UNSPECIFIED.
void AddPlaceholder(const FieldDescriptor& field, Message* message) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    message->GetReflection()->AddEnumValue(message, &field, 0);
  } else {
    message->GetReflection()->AddString(message, &field, "");
  }
}

void Walker::FillScalar(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
                        Message* message) {
  const pb::Reflection& reflection = *message->GetReflection();
  // An entry that is wrong keeps its place, so that the entries after it keep their index.
  if (field.is_repeated()) AddPlaceholder(field, message);
  if (Refused(node, Expectation(field), path)) return;
  if (node.kind != YamlNode::Kind::kScalar) {
    Report(node, path, absl::StrCat("must be a single value: write ", Expectation(field)));
    return;
  }
  std::string problem;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      problem = ProblemOfText(node, field);
      if (!problem.empty()) break;
      std::string text = ResolvePath(node.text, RuleOf(field).format(), base_directory_);
      if (field.is_repeated()) {
        reflection.SetRepeatedString(message, &field, reflection.FieldSize(*message, &field) - 1,
                                     std::move(text));
      } else {
        reflection.SetString(message, &field, std::move(text));
      }
      break;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = FindWrittenValue(*field.enum_type(), node.text);
      if (value == nullptr) problem = absl::StrCat("must be ", Expectation(field));
      if (value == nullptr) break;
      if (field.is_repeated()) {
        reflection.SetRepeatedEnum(message, &field, reflection.FieldSize(*message, &field) - 1,
                                   value);
      } else {
        reflection.SetEnum(message, &field, value);
      }
      break;
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!node.plain || (node.text != "true" && node.text != "false")) {
        problem = absl::StrCat("must be ", Expectation(field));
      } else {
        reflection.SetBool(message, &field, node.text == "true");
      }
      break;
    default: {
      const Expected<std::int64_t, std::string> number = ParseQuantity(node, field);
      if (!number.ok()) {
        problem = number.error();
      } else {
        SetQuantity(*number, field, message);
      }
    }
  }
  if (!problem.empty()) Report(node, path, std::move(problem));
}

}  // namespace

void FillConfig(const YamlNode& root, absl::string_view base_directory, Message* message,
                ConfigLocations* locations, ConfigErrorCollector* errors) {
  locations->Add("", root.position);
  Walker(base_directory, locations, errors).FillMessage(root, "", message);
}

}  // namespace tokensvc
