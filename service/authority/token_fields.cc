// SPDX-License-Identifier: Apache-2.0
#include "service/authority/token_fields.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "service/authority/grammar.h"

namespace tokensvc {
namespace {

void Overwrite(Json* value) {
  if (value->is_string()) {
    const Secret overwritten(std::move(value->get_ref<std::string&>()));
  } else if (value->is_structured()) {
    for (Json& member : *value) Overwrite(&member);
  }
}

}  // namespace

SecretDocument::~SecretDocument() { Overwrite(&json_); }

Json* SecretDocument::Find(const char* name) {
  const auto it = json_.find(name);
  return it == json_.end() || it->is_null() ? nullptr : &*it;
}

std::optional<absl::Duration> ReadLifetime(const Json& value) {
  std::int64_t seconds = 0;
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > 0xffffffffU) return std::nullopt;
    seconds = static_cast<std::int64_t>(number);
  } else if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (!(number >= 1 && number <= 4e9)) return std::nullopt;
    seconds = static_cast<std::int64_t>(number);
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const bool digits = std::all_of(text.begin(), text.end(),
                                    [](unsigned char c) { return absl::ascii_isdigit(c); });
    if (!digits || text.size() > 10 || !absl::SimpleAtoi(text, &seconds)) return std::nullopt;
  }
  const absl::Duration lifetime = absl::Seconds(seconds);
  if (lifetime < absl::Seconds(1) || lifetime > kMaxTokenLifetime) return std::nullopt;
  return lifetime;
}

bool TakeToken(Json* member, std::optional<Secret>* token) {
  if (member == nullptr) return true;
  if (!member->is_string()) return false;
  auto& text = member->get_ref<std::string&>();
  if (text.empty() || text.size() > kMaxTokenBytes || !IsVisibleAscii(text)) return false;
  token->emplace(std::move(text));
  return true;
}

}  // namespace tokensvc
