// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace tokensvc {
namespace {

/// Builds the document while it is read, and stops at the first thing that we do not accept.
class StrictBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(const JsonLimits& limits) : limits_(limits) {}

  const char* refusal() const { return refusal_; }
  Json Take() { return std::move(root_); }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override {
    if (!std::isfinite(value)) return Refuse("a number out of range");
    return Add(value);
  }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return Refuse("binary data"); }
  bool start_object(std::size_t) override { return Open(Json::object()); }
  bool start_array(std::size_t) override { return Open(Json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(string_t& name) override {
    if (stack_.back()->contains(name)) return Refuse("a duplicate member name");
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return Refuse("not well-formed JSON");
  }

 private:
  bool Refuse(const char* why) {
    if (refusal_ == nullptr) refusal_ = why;
    return false;
  }

  Json* Place(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    Json& slot = parent[std::move(key_)];
    slot = std::move(value);
    return &slot;
  }

  bool Add(Json value) {
    if (++values_ > limits_.max_values) return Refuse("too many values");
    Place(std::move(value));
    return true;
  }

  bool Open(Json container) {
    if (static_cast<int>(stack_.size()) >= limits_.max_depth) return Refuse("too deep");
    if (++values_ > limits_.max_values) return Refuse("too many values");
    stack_.push_back(Place(std::move(container)));
    return true;
  }

  bool Close() {
    stack_.pop_back();
    return true;
  }

  const JsonLimits limits_;
  const char* refusal_ = nullptr;
  Json root_;
  // Pointers stay good: only the innermost container grows while it is open.
  std::vector<Json*> stack_;
  std::string key_;
  std::size_t values_ = 0;
};

}  // namespace

absl::StatusOr<Json> ParseJson(absl::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) return absl::InvalidArgumentError("JSON: too large");
  // The lexer takes a NUL between tokens for the end of the text and would never see what follows.
  if (text.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("JSON: not well-formed JSON");
  }
  StrictBuilder builder(limits);
  const bool accepted = Json::sax_parse(text.begin(), text.end(), &builder);
  if (!accepted || builder.refusal() != nullptr) {
    const char* why = builder.refusal() != nullptr ? builder.refusal() : "not well-formed JSON";
    return absl::InvalidArgumentError(std::string("JSON: ") + why);
  }
  return builder.Take();
}

absl::StatusOr<Json> ParseJsonObject(absl::string_view text, const JsonLimits& limits) {
  absl::StatusOr<Json> parsed = ParseJson(text, limits);
  if (parsed.ok() && !parsed->is_object()) return absl::InvalidArgumentError("JSON: not an object");
  return parsed;
}

absl::string_view StringMember(const Json& object, absl::string_view name) {
  const auto it = object.find(std::string(name));
  if (it == object.end() || !it->is_string()) return {};
  return it->get_ref<const std::string&>();
}

}  // namespace tokensvc
