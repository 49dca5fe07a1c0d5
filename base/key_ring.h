// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_KEY_RING_H_
#define TOKENSVC_BASE_KEY_RING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/random.h"
#include "base/secret.h"

namespace tokensvc {

/// What the keys of a ring are for. A key's id depends on it, so that the files of two rings cannot
/// be taken for each other.
enum class KeyPurpose {
  kSealing,  ///< Encrypts the records of the shared cache.
  kIndex,    ///< Makes the names under which they lie there.
};

/// A key comes as `pending` to all replicas first, is `primary` while it is used for writing, and
/// stays as `retired` until nothing is left that was written under it.
enum class KeyState { kPending, kPrimary, kRetired };

struct RingKey {
  KeyState state = KeyState::kPending;
  std::uint32_t id = 0;  ///< Public: stands in clear in front of what was sealed under the key.
  Secret bytes;          ///< `KeyRing::kKeyBytes` of them.
};

/// The keys of one purpose, as a key file lists them: exactly one of them primary. Immutable.
///
/// A key file has a line `STATE ID KEY` for each key, older ones first: STATE is pending, primary
/// or retired, ID eight lower-case hexadecimal digits that belong to the key, KEY the base64url of
/// 32 random bytes without padding. Empty lines and lines that begin with # are skipped. Anything
/// else is refused. `tokenctl keys` makes and checks such files.
class KeyRing {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kMaxKeys = 16;
  static constexpr std::size_t kMaxFileBytes = std::size_t{16} << 10;

  /// Reads the text of a key file. kInvalidArgument with the number of the line and what is wrong
  /// with it, never with what stands there.
  static absl::StatusOr<KeyRing> Parse(absl::string_view text);

  /// Reads the key file at `path`. Blocks. Beside the errors of `Parse` and `ReadSmallFile`:
  /// kPermissionDenied where others than owner and group may read or write it, or the group write.
  static absl::StatusOr<KeyRing> ReadFile(const std::string& path);

  /// A ring of one key that nobody else has.
  static KeyRing MakeRandom(KeyPurpose purpose, RandomGenerator& random);

  KeyPurpose purpose() const { return purpose_; }
  const std::vector<RingKey>& keys() const { return keys_; }
  const RingKey& primary() const { return keys_[primary_]; }
  /// The key that was primary before: the last retired one of the file. Null where there is none.
  const RingKey* previous() const;
  /// The key of that id, whatever its state; null where there is none.
  const RingKey* Find(std::uint32_t id) const;

 private:
  explicit KeyRing(KeyPurpose purpose) : purpose_(purpose) {}

  KeyPurpose purpose_;
  std::vector<RingKey> keys_;
  std::size_t primary_ = 0;
};

/// The id of a key: the first 32 bits of SHA-256 over a label of its purpose and the key.
std::uint32_t KeyId(KeyPurpose purpose, absl::string_view key);
/// As key files, logs and metrics write it: eight hexadecimal digits.
std::string KeyIdText(std::uint32_t id);

/// "sealing", "index"; "pending", "primary", "retired".
absl::string_view KeyPurposeName(KeyPurpose purpose);
absl::string_view KeyStateName(KeyState state);

/// The line of a key file, with its end, for a key of `KeyRing::kKeyBytes` bytes.
Secret KeyFileLine(KeyPurpose purpose, KeyState state, const Secret& key);

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_KEY_RING_H_
