// SPDX-License-Identifier: Apache-2.0
#include "base/key_ring.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file_reader.h"

namespace tokensvc {
namespace {

constexpr KeyPurpose kPurposes[] = {KeyPurpose::kSealing, KeyPurpose::kIndex};
constexpr KeyState kStates[] = {KeyState::kPending, KeyState::kPrimary, KeyState::kRetired};

absl::Status BadLine(std::size_t number, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", what));
}

std::optional<KeyState> ReadState(absl::string_view text) {
  for (const KeyState state : kStates) {
    if (text == KeyStateName(state)) return state;
  }
  return std::nullopt;
}

// Nothing but the one way of writing the bytes: what is decoded must encode to the same text.
std::optional<Secret> ReadKey(absl::string_view text) {
  std::string decoded;
  const bool is_base64 = absl::WebSafeBase64Unescape(text, &decoded);
  Secret key(std::move(decoded));
  if (!is_base64 || key.size() != KeyRing::kKeyBytes) return std::nullopt;
  const Secret again(absl::WebSafeBase64Escape(key.Reveal()));
  if (again.Reveal() != text) return std::nullopt;
  return key;
}

struct Line {
  KeyPurpose purpose;
  RingKey key;
};

absl::StatusOr<Line> ReadLine(std::size_t number, absl::string_view text) {
  const std::vector<absl::string_view> fields =
      absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (fields.size() != 3) return BadLine(number, "want three fields: STATE ID KEY");
  const std::optional<KeyState> state = ReadState(fields[0]);
  if (!state.has_value()) {
    return BadLine(number, "the state must be pending, primary or retired");
  }
  std::optional<Secret> key = ReadKey(fields[2]);
  if (!key.has_value()) {
    return BadLine(number, "the key must be base64url of 32 bytes, without padding");
  }
  for (const KeyPurpose purpose : kPurposes) {
    const std::uint32_t id = KeyId(purpose, key->Reveal());
    if (fields[1] == KeyIdText(id)) return Line{purpose, RingKey{*state, id, *std::move(key)}};
  }
  return BadLine(number, "the id is not that of the key");
}

}  // namespace

absl::StatusOr<KeyRing> KeyRing::Parse(absl::string_view text) {
  if (text.size() > kMaxFileBytes) return absl::OutOfRangeError("the file is too large");
  std::optional<KeyRing> ring;
  std::size_t primaries = 0;
  std::size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::StripAsciiWhitespace(line).empty() || line.front() == '#') continue;
    absl::StatusOr<Line> read = ReadLine(number, line);
    if (!read.ok()) return read.status();
    if (!ring.has_value()) ring = KeyRing(read->purpose);
    if (read->purpose != ring->purpose_) {
      return BadLine(number, "a key of the other purpose than the lines before");
    }
    if (ring->Find(read->key.id) != nullptr) return BadLine(number, "the same id a second time");
    if (ring->keys_.size() == kMaxKeys) return BadLine(number, "more than 16 keys");
    if (read->key.state == KeyState::kPrimary) {
      if (++primaries > 1) return BadLine(number, "a second primary key");
      ring->primary_ = ring->keys_.size();
    }
    ring->keys_.push_back(std::move(read->key));
  }
  if (!ring.has_value()) return absl::InvalidArgumentError("the file has no keys");
  if (primaries == 0) return absl::InvalidArgumentError("none of the keys is primary");
  return *std::move(ring);
}

absl::StatusOr<KeyRing> KeyRing::ReadFile(const std::string& path) {
  absl::StatusOr<FileContent> file = ReadSmallFile(path, kMaxFileBytes);
  if (!file.ok()) return file.status();
  // Kubernetes mounts secrets for a group; nothing has a reason to let everybody in.
  if ((file->permissions & 0027) != 0) {
    return absl::PermissionDeniedError(
        "the file may be read or written by others: want mode 0600, 0640 or less");
  }
  return Parse(file->bytes.Reveal());
}

KeyRing KeyRing::MakeRandom(KeyPurpose purpose, RandomGenerator& random) {
  std::string bytes(kKeyBytes, '\0');
  random.Fill(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size());
  KeyRing ring(purpose);
  const std::uint32_t id = KeyId(purpose, bytes);
  ring.keys_.push_back(RingKey{KeyState::kPrimary, id, Secret(std::move(bytes))});
  return ring;
}

const RingKey* KeyRing::previous() const {
  const auto found = std::find_if(keys_.rbegin(), keys_.rend(), [](const RingKey& key) {
    return key.state == KeyState::kRetired;
  });
  return found == keys_.rend() ? nullptr : &*found;
}

const RingKey* KeyRing::Find(std::uint32_t id) const {
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [id](const RingKey& key) { return key.id == id; });
  return found == keys_.end() ? nullptr : &*found;
}

std::uint32_t KeyId(KeyPurpose purpose, absl::string_view key) {
  const Secret labelled(absl::StrCat("tokensvc ", KeyPurposeName(purpose), " key id:", key));
  const absl::string_view bytes = labelled.Reveal();
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return std::uint32_t{digest[0]} << 24 | std::uint32_t{digest[1]} << 16 |
         std::uint32_t{digest[2]} << 8 | std::uint32_t{digest[3]};
}

std::string KeyIdText(std::uint32_t id) { return absl::StrCat(absl::Hex(id, absl::kZeroPad8)); }

absl::string_view KeyPurposeName(KeyPurpose purpose) {
  return purpose == KeyPurpose::kSealing ? "sealing" : "index";
}

absl::string_view KeyStateName(KeyState state) {
  switch (state) {
    case KeyState::kPending:
      return "pending";
    case KeyState::kPrimary:
      return "primary";
    case KeyState::kRetired:
      return "retired";
  }
  return "";
}

Secret KeyFileLine(KeyPurpose purpose, KeyState state, const Secret& key) {
  const Secret text(absl::WebSafeBase64Escape(key.Reveal()));
  return Secret(absl::StrCat(KeyStateName(state), " ", KeyIdText(KeyId(purpose, key.Reveal())), " ",
                             text.Reveal(), "\n"));
}

}  // namespace tokensvc
