// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_CLIENT_ASSERTION_H_
#define TOKENSVC_SERVICE_CREDENTIAL_CLIENT_ASSERTION_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "base/secret.h"
#include "service/credential/reloading_key_pair.h"

namespace tokensvc {

/// How long a client assertion is good: Entra's documentation advises 5 to 10 minutes, and the
/// upper end forgives a clock that is some minutes off. Each is used once, so a longer life would
/// only help a thief.
inline constexpr absl::Duration kClientAssertionLifetime = absl::Minutes(10);

/// More than this no authority takes; a chain that is far too long gets there.
inline constexpr std::size_t kMaxClientAssertionBytes = std::size_t{64} << 10;

/// `client_assertion_type` of RFC 7523 §2.2.
inline constexpr char kJwtBearerAssertionType[] =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How an authority wants its client assertions; comes from its profile and the registration.
struct ClientAssertionFormat {
  absl::Duration lifetime = kClientAssertionLifetime;
  /// `aud`, where it is not the token endpoint.
  std::optional<std::string> audience;
  /// Send the whole chain as `x5c`, for authorities that trust an issuer and a subject name.
  bool send_chain = false;
  /// The `kid` under which our key is registered at the authority. Absent: none is sent, and the
  /// authority finds the key by its type; a `kid` that it does not know would make it find none.
  std::optional<std::string> key_id;
};

struct ClientAssertionParams {
  std::string client_id;
  std::string token_endpoint;
  absl::Time now;
};

/// Makes a client assertion (RFC 7523 §3; OpenID Connect Core §9 `private_key_jwt`): signed, with a
/// `jti` of its own, to be sent once. RS256 carries `x5t`, the others `x5t#S256`. Takes as long as
/// a signature. Errors: kFailedPrecondition where it gets larger than `kMaxClientAssertionBytes`;
/// as `JwtSigner::Sign`.
absl::StatusOr<Secret> MakeClientAssertion(const ClientAssertionParams& params,
                                           const ClientAssertionFormat& format,
                                           const KeyPair& key_pair, RandomGenerator& random);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_CLIENT_ASSERTION_H_
