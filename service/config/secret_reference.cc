// SPDX-License-Identifier: Apache-2.0
#include "service/config/secret_reference.h"

#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "service/config/read_file.h"

namespace tokensvc {
namespace {

bool IsVariableName(absl::string_view name) {
  if (name.empty() || name.size() > 128 ||
      absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) {
    return false;
  }
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  }
  return true;
}

absl::StatusOr<Secret> ReadVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return absl::NotFoundError("the environment variable is not set");
  return Secret::CopyOf(value);
}

}  // namespace

absl::StatusOr<SecretReference> ParseSecretReference(absl::string_view text) {
  if (absl::ConsumePrefix(&text, "file:")) {
    if (text.empty() || absl::StrContains(text, '\0')) {
      return absl::InvalidArgumentError("file: must be followed by a path");
    }
    return SecretReference{SecretReference::Source::kFile, std::string(text)};
  }
  if (absl::ConsumePrefix(&text, "env:")) {
    if (!IsVariableName(text)) {
      return absl::InvalidArgumentError(
          "env: must be followed by the name of a variable (letters, digits and _)");
    }
    return SecretReference{SecretReference::Source::kEnvironment, std::string(text)};
  }
  return absl::InvalidArgumentError(
      "must say where the secret is, as file:PATH or env:NAME, and never be the secret itself");
}

absl::StatusOr<Secret> ReadSecret(const SecretReference& reference) {
  absl::StatusOr<Secret> read =
      reference.source == SecretReference::Source::kFile
          ? ReadRegularFile(reference.name, kMaxSecretBytes, FileAccess::kPrivate)
          : ReadVariable(reference.name);
  if (!read.ok()) return read.status();
  // Editors and `echo` end files with a newline that is no part of the secret.
  absl::string_view bytes = read->Reveal();
  if (absl::ConsumeSuffix(&bytes, "\n")) absl::ConsumeSuffix(&bytes, "\r");
  if (bytes.empty()) return absl::FailedPreconditionError("the secret is empty");
  if (bytes.size() > kMaxSecretBytes) {
    return absl::FailedPreconditionError(
        absl::StrCat("the secret is longer than ", kMaxSecretBytes >> 10, " KiB"));
  }
  return Secret::CopyOf(bytes);
}

absl::StatusOr<Secret> ReadSecret(absl::string_view reference) {
  const auto parsed = ParseSecretReference(reference);
  if (!parsed.ok()) return parsed.status();
  return ReadSecret(*parsed);
}

}  // namespace tokensvc
