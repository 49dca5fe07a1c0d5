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
  bool dropped = false;
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
    // A mistyped path would else become a ring of its own, and the fleet's stay as it is.
    if (options.ring.empty()) {
      return absl::InvalidArgumentError(
          "the file does not exist; --ring sealing or --ring index makes a new one");
    }
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

/// The change of the key in this line of a key file; null: it is a comment, or another key's.
const KeyChange* ChangeOf(absl::string_view line, const Changes& changes) {
  const std::vector<absl::string_view> fields =
      absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (fields.size() != 3 || line.front() == '#') return nullptr;
  for (const KeyChange& change : changes) {
    if (fields[1] == KeyIdText(change.id)) return &change;
  }
  return nullptr;
}

/// Makes the changes in the file, and leaves everything else there as it is.
absl::StatusOr<Changes> Apply(Changes changes, const KeyFile& file, const std::string& path) {
  std::string text;
  text.reserve(file.text.size() + 16);  // So that no copy stays behind in freed memory.
  for (const absl::string_view line : absl::StrSplit(file.text.Reveal(), '\n')) {
    const KeyChange* change = ChangeOf(line, changes);
    if (change != nullptr && change->dropped) continue;
    if (!text.empty()) text.push_back('\n');
    if (change == nullptr) {
      absl::StrAppend(&text, line);
    } else {
      const std::vector<absl::string_view> fields =
          absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
      absl::StrAppend(&text, KeyStateName(change->state), " ", fields[1], " ", fields[2]);
    }
  }
  const Secret content(std::move(text));
  if (absl::Status status = Replace(path, content); !status.ok()) return status;
  return changes;
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
  return Apply({{KeyState::kRetired, last.id}, {KeyState::kPrimary, next->id}}, *file,
               options.files[0]);
}

absl::StatusOr<Changes> DropRetired(const KeysOptions& options) {
  const absl::StatusOr<KeyFile> file = ReadKeyFile(options.files[0]);
  if (!file.ok()) return file.status();
  Changes changes;
  for (const RingKey& key : file->ring.keys()) {
    if (key.state == KeyState::kRetired) changes.push_back({key.state, key.id, /*dropped=*/true});
  }
  if (changes.empty()) return absl::FailedPreconditionError("no key is retired");
  return Apply(std::move(changes), *file, options.files[0]);
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
    const std::string state(change.dropped ? "dropped" : KeyStateName(change.state));
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
    case KeysAction::kDropRetired:
      return ReportChanges(options, console, DropRetired(options.keys));
    case KeysAction::kCheck:
      return Check(options, console);
  }
  return kExitUsage;
}

}  // namespace tokensvc::tokenctl
