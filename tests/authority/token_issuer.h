// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_TOKEN_ISSUER_H_
#define TOKENSVC_TESTS_AUTHORITY_TOKEN_ISSUER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/authority/json.h"
#include "tests/authority/keys.h"
#include "tests/authority/token_request.h"

namespace tokensvc::devauth {

/// Makes access tokens and the success bodies around them, for every grant. Thread-safe.
class TokenIssuer {
 public:
  struct Options {
    int lifetime_seconds = 3600;
    std::optional<int> refresh_in_seconds;
    std::function<absl::Time()> now;
  };

  TokenIssuer(SigningKey key, Options options) : key_(std::move(key)), options_(options) {}

  /// The body of a success: a new RS256 access token for `audience` with iss, aud, sub, oid, tid,
  /// appid, azp, roles, times and a unique jti, `extra_claims` merged in. With `same_token` the
  /// unexpired token of the same client, tenant and audience is given again, its remaining life in
  /// `expires_in`.
  Json Issue(const TokenRequest& request, absl::string_view audience,
             const Json& extra_claims = Json::object());

  const SigningKey& key() const { return key_; }
  absl::Time now() const { return options_.now ? options_.now() : absl::Now(); }
  /// How many different access tokens were made.
  int64_t issued() const;

 private:
  struct Issued {
    std::string token;
    int64_t expires_at;
  };

  Issued Make(const TokenRequest& request, absl::string_view audience, const Json& extra_claims,
              int64_t now) const;

  const SigningKey key_;
  const Options options_;
  mutable std::mutex mutex_;
  int64_t issued_ = 0;
  std::map<std::string, Issued> latest_;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_TOKEN_ISSUER_H_
