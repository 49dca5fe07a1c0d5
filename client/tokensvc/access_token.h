// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENSVC_ACCESS_TOKEN_H_
#define TOKENSVC_CLIENT_TOKENSVC_ACCESS_TOKEN_H_

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokensvc::client {

/// Where the token of an answer came from.
enum class TokenSource { kUnknown, kAuthority, kSharedCache, kLocalCache };

/// Why the authority was asked although there is a cache (`RefreshReason` of the contract).
enum class RefreshReason {
  kNone,
  kNoCachedToken,
  kExpired,
  kForceRefreshOrClaims,
  kProactivelyRefreshed,
};

/// A bearer token and what is known about it. A handle: copies are cheap and share one token, which
/// is overwritten in memory when the last of them ends. Cannot be streamed by accident; a search
/// for `Reveal` finds every use of the secret. Immutable, so thread-safe. Not usable after a move.
class AccessToken {
 public:
  struct Fields {
    std::string value;  ///< The token, as it came.
    absl::Time expires_at = absl::InfinitePast();
    absl::Time refresh_at = absl::InfinitePast();
    absl::Time near_cache_until = absl::InfinitePast();
    std::optional<absl::Duration> near_cache_for;
    std::optional<absl::Duration> expires_in;
    std::vector<std::string> granted_scopes;
    std::string tenant;
    TokenSource source = TokenSource::kUnknown;
    RefreshReason refresh_reason = RefreshReason::kNone;
    std::string correlation_id;
  };
  /// Takes the fields over and overwrites the value that they held.
  static AccessToken Make(Fields&& fields);

  /// The token itself. Opaque to everybody but the resource. Valid while a copy of this handle
  /// lives.
  absl::string_view Reveal() const;
  /// `Bearer <token>`: the value of an HTTP `Authorization` header (RFC 6750 §2.1).
  absl::string_view RevealAuthorizationHeader() const;

  /// When the token stops working.
  absl::Time expires_at() const;
  /// When the service will fetch the next one.
  absl::Time refresh_at() const;
  /// Until when it may be kept without asking again; in the past: it may not be kept.
  absl::Time near_cache_until() const;
  /// For how long it may be kept, and for how long it works, counted from before the request was
  /// sent; right also where this machine's clock and the service's differ, which the three times
  /// above are not. None: the service is older than these fields.
  std::optional<absl::Duration> near_cache_for() const;
  std::optional<absl::Duration> expires_in() const;
  const std::vector<std::string>& granted_scopes() const;
  /// The authority tenant that issued it; empty for authorities without tenants.
  const std::string& tenant() const;
  TokenSource source() const;
  RefreshReason refresh_reason() const;
  /// Of the call that brought the token, which may be an earlier one.
  const std::string& correlation_id() const;

 private:
  struct State;
  explicit AccessToken(std::shared_ptr<const State> state);

  std::shared_ptr<const State> state_;
};

std::ostream& operator<<(std::ostream&, const AccessToken&) = delete;

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_TOKENSVC_ACCESS_TOKEN_H_
