// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/file_reader.h"
#include "base/json.h"
#include "base/key_ring.h"
#include "base/random.h"
#include "client/tokenctl/commands.h"
#include "client/tokenctl/file_replacement.h"
#include "client/tokenctl/terminal_text.h"

namespace tokensvc::tokenctl {
namespace {

/// What a command did, for people and for scripts.
struct KeyChange {
  KeyState state;
  std::uint32_t id;
};
using Changes = std::vector<KeyChange>;

struct KeyFile {
  KeyRing ring;
  Secret text;  ///< As it stands there, comments and all.
};

absl::StatusOr<KeyFile> ReadKeyFile(const std::string& path) {
  absl::StatusOr<KeyRing> ring = KeyRing::ReadFile(path);
  if (!ring.ok()) return ring.status();
  absl::StatusOr<FileContent> content = ReadSmallFile(path, KeyRing::kMaxFileBytes);
  if (!content.ok()) return content.status();
  return KeyFile{*std::move(ring), std::move(content->bytes)};
}

// Never writes what the service would refuse to read.
absl::Status Replace(const std::string& path, const Secret& text) {
  const absl::StatusOr<KeyRing> ring = KeyRing::Parse(text.Reveal());
  return ring.ok() ? ReplacePrivateFile(path, text.Reveal()) : ring.status();
}

absl::StatusOr<Changes> CreateFile(const std::string& path, KeyPurpose purpose) {
  SystemRandom random;
  const KeyRing ring = KeyRing::MakeRandom(purpose, random);
  const Secret line = KeyFileLine(purpose, KeyState::kPrimary, ring.primary().bytes);
  const Secret text(absl::StrCat("# Token Service: the ring of ", KeyPurposeName(purpose),
                                 " keys. Made and changed by `tokenctl keys`.\n", line.Reveal()));
  if (absl::Status status = CreatePrivateFile(path, text.Reveal()); !status.ok()) return status;
  return Changes{{KeyState::kPrimary, ring.primary().id}};
}

absl::StatusOr<Changes> New(const KeysOptions& options) {
  const std::string& path = options.files[0];
  const absl::StatusOr<KeyFile> file = ReadKeyFile(path);
  if (absl::IsNotFound(file.status())) {
    return CreateFile(path, options.ring == "index" ? KeyPurpose::kIndex : KeyPurpose::kSealing);
  }
  if (!file.ok()) return file.status();
  const KeyPurpose purpose = file->ring.purpose();
  if (!options.ring.empty() && options.ring != KeyPurposeName(purpose)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the file holds ", KeyPurposeName(purpose), " keys"));
  }
  SystemRandom random;
  const KeyRing made = KeyRing::MakeRandom(purpose, random);
  const Secret line = KeyFileLine(purpose, KeyState::kPending, made.primary().bytes);
  const absl::string_view old = file->text.Reveal();
  const Secret text(absl::StrCat(old, old.back() == '\n' ? "" : "\n", line.Reveal()));
  if (absl::Status status = Replace(path, text); !status.ok()) return status;
  return Changes{{KeyState::kPending, made.primary().id}};
}

absl::StatusOr<Changes> Promote(const KeysOptions& options) {
  const absl::StatusOr<KeyFile> file = ReadKeyFile(options.files[0]);
  if (!file.ok()) return file.status();
  const RingKey* next = nullptr;
  for (const RingKey& key : file->ring.keys()) {
    if (next == nullptr && key.state == KeyState::kPending) next = &key;
  }
  if (next == nullptr) {
    return absl::FailedPreconditionError("no key is pending; `tokenctl keys new` adds one");
  }
  const RingKey& last = file->ring.primary();
  const Changes changes = {{KeyState::kRetired, last.id}, {KeyState::kPrimary, next->id}};
  std::string text;
  text.reserve(file->text.size() + 16);  // So that no copy stays behind in freed memory.
  for (const absl::string_view line : absl::StrSplit(file->text.Reveal(), '\n')) {
    if (!text.empty()) text.push_back('\n');
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    const KeyChange* change = nullptr;
    for (const KeyChange& c : changes) {
      if (fields.size() == 3 && fields[1] == KeyIdText(c.id)) change = &c;
    }
    if (change == nullptr || line.front() == '#') {
      absl::StrAppend(&text, line);
    } else {
      absl::StrAppend(&text, KeyStateName(change->state), " ", fields[1], " ", fields[2]);
    }
  }
  const Secret content(std::move(text));
  if (absl::Status status = Replace(options.files[0], content); !status.ok()) return status;
  return changes;
}

ExitCode ReportChanges(const Options& options, const Console& console,
                       const absl::StatusOr<Changes>& changes) {
  if (!changes.ok()) {
    console.err << "tokenctl: " << EscapeForTerminal(options.keys.files[0]) << ": "
                << EscapeForTerminal(changes.status().message()) << "\n";
    return kExitUsage;
  }
  Json json = Json::array();
  for (const KeyChange& change : *changes) {
    const std::string state(KeyStateName(change.state));
    if (options.output == OutputFormat::kText) {
      console.out << absl::StrFormat("%-8s %s\n", state, KeyIdText(change.id));
    } else {
      json.push_back(Json::object({{"id", KeyIdText(change.id)}, {"state", state}}));
    }
  }
  if (options.output == OutputFormat::kJson) {
    console.out << JsonText(Json::object({{"keys", json}})) << "\n";
  }
  return kExitOk;
}

Json RingJson(const KeyRing& ring) {
  Json keys = Json::array();
  for (const RingKey& key : ring.keys()) {
    keys.push_back(
        Json::object({{"id", KeyIdText(key.id)}, {"state", std::string(KeyStateName(key.state))}}));
  }
  return Json::object({{"ring", std::string(KeyPurposeName(ring.purpose()))}, {"keys", keys}});
}

ExitCode Check(const Options& options, const Console& console) {
  ExitCode code = kExitOk;
  Json files = Json::array();
  for (const std::string& path : options.keys.files) {
    const absl::StatusOr<KeyRing> ring = KeyRing::ReadFile(path);
    if (!ring.ok()) code = kExitUsage;
    if (options.output == OutputFormat::kJson) {
      Json file = ring.ok() ? RingJson(*ring)
                            : Json::object({{"error", std::string(ring.status().message())}});
      file["file"] = path;
      files.push_back(std::move(file));
      continue;
    }
    console.out << EscapeForTerminal(path) << ": ";
    if (!ring.ok()) {
      console.out << "REFUSED: " << EscapeForTerminal(ring.status().message()) << "\n";
      continue;
    }
    console.out << "the ring of " << KeyPurposeName(ring->purpose()) << " keys\n";
    for (const RingKey& key : ring->keys()) {
      console.out << absl::StrFormat("  %-8s %s\n", std::string(KeyStateName(key.state)),
                                     KeyIdText(key.id));
    }
  }
  if (options.output == OutputFormat::kJson) {
    console.out << JsonText(Json::object({{"files", files}})) << "\n";
  }
  return code;
}

}  // namespace

ExitCode RunKeys(const Options& options, const Console& console) {
  switch (options.keys.action) {
    case KeysAction::kNew:
      return ReportChanges(options, console, New(options.keys));
    case KeysAction::kPromote:
      return ReportChanges(options, console, Promote(options.keys));
    case KeysAction::kCheck:
      return Check(options, console);
  }
  return kExitUsage;
}

}  // namespace tokensvc::tokenctl
