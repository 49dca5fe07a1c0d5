// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_JWK_SET_H_
#define TOKENSVC_SERVICE_JOSE_JWK_SET_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "service/jose/jws_algorithm.h"
#include "service/jose/public_key.h"

namespace tokensvc {

/// One key of a JWK set (RFC 7517 §4) that may verify signatures.
struct Jwk {
  std::string kid;                        ///< Empty: it has none.
  std::optional<JwsAlgorithm> algorithm;  ///< The only one that it is for; absent: any that fits.
  /// `issuer`, where it names no `{tenantid}`: the key is for tokens of that one issuer. Not in the
  /// RFC: Entra's shared key sets have it. Empty: any.
  std::string issuer;
  PublicKey key;

  friend bool operator==(const Jwk&, const Jwk&) = default;
};

/// The keys that an issuer signs with. Immutable; thread-safe.
class JwkSet {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 10;
  static constexpr std::size_t kMaxKeys = 64;

  /// Reads a JWK set (RFC 7517 §5). A key that cannot be used is passed over, as that section says:
  ///   - `kty` other than RSA and EC (so never `oct`), a curve other than P-256
  ///   - `use` other than `sig`, `key_ops` without `verify`, `alg` other than PS256, RS256, ES256
  ///   or
  ///     one that is not for its `kty`
  ///   - one with a private member: somebody published it, so whoever read it can sign
  ///   - missing or ill-formed members, sizes beyond what `PublicKey` takes
  ///   - one that is in the set already, all the same
  /// `x5c`, `x5t` and `x5u` are not looked at. Errors: kInvalidArgument, with a text that holds
  /// nothing of the input, for what is no JSON object (strictly, see `ParseJson`) with an array
  /// `keys`, for more than 64 KiB or 64 keys, and for a set in which no key can be used.
  static absl::StatusOr<JwkSet> Parse(absl::string_view text);

  /// Which key verifies a token.
  struct Choice {
    const Jwk* key = nullptr;  ///< Lives as long as the set. Null: none, or more than one.
    bool ambiguous = false;    ///< More than one: which of them is meant must not be guessed.
  };

  /// The one key that fits the algorithm and, where the token names one, has that `kid`. Two
  /// different keys with one `kid` are allowed as long as their types tell them apart (RFC 7517
  /// §4.5).
  Choice Find(std::optional<absl::string_view> kid, JwsAlgorithm algorithm) const;

  const std::vector<Jwk>& keys() const { return keys_; }

  /// How many keys were passed over.
  std::size_t skipped() const { return skipped_; }

  /// SHA-256 of the text: equal for equal texts, different for different ones.
  const std::string& digest() const { return digest_; }

 private:
  JwkSet() = default;

  std::vector<Jwk> keys_;
  std::size_t skipped_ = 0;
  std::string digest_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_JWK_SET_H_
