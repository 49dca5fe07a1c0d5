// SPDX-License-Identifier: Apache-2.0
#include "service/credential/arc_challenge.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "base/file_reader.h"
#include "service/authority/grammar.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxNameBytes = 128;
constexpr absl::string_view kExtension = ".key";

bool ConsumePrefixWithoutCase(absl::string_view* text, absl::string_view prefix) {
  if (!absl::StartsWithIgnoreCase(*text, prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool IsKeyName(absl::string_view name) {
  return name.size() > kExtension.size() && name.size() <= kMaxNameBytes && name.front() != '.' &&
         absl::EndsWith(name, kExtension) && std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("._-", c);
         });
}

}  // namespace

absl::StatusOr<std::string> ReadArcChallenge(absl::string_view www_authenticate,
                                             absl::string_view directory) {
  absl::string_view rest = absl::StripAsciiWhitespace(www_authenticate);
  const bool basic = ConsumePrefixWithoutCase(&rest, "Basic ");
  rest = absl::StripLeadingAsciiWhitespace(rest);
  if (!basic || !ConsumePrefixWithoutCase(&rest, "realm=")) {
    return absl::InvalidArgumentError("it sent no challenge with a realm");
  }
  if (absl::ConsumePrefix(&rest, "\"") && !absl::ConsumeSuffix(&rest, "\"")) {
    return absl::InvalidArgumentError("it sent no challenge with a realm");
  }
  directory = absl::StripSuffix(directory, "/");
  if (!absl::ConsumePrefix(&rest, directory) || !absl::ConsumePrefix(&rest, "/") ||
      !IsKeyName(rest)) {
    return absl::InvalidArgumentError(
        "its challenge names something else than a key file in the agent's own directory");
  }
  return std::string(rest);
}

absl::StatusOr<Secret> ReadArcKey(const std::string& directory, const std::string& name) {
  const absl::StatusOr<FileContent> file = ReadSmallFileIn(directory, name, kMaxArcKeyBytes);
  if (!file.ok()) return file.status();
  const absl::string_view key = absl::StripTrailingAsciiWhitespace(file->bytes.Reveal());
  if (key.empty() || !IsVisibleAscii(key)) {
    return absl::InvalidArgumentError("the file is no key");
  }
  return Secret::CopyOf(key);
}

}  // namespace tokensvc
