// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/token_issuer.h"

#include "absl/strings/str_cat.h"
#include "tests/authority/encoding.h"
#include "tests/authority/jwt.h"

namespace tokensvc::devauth {
namespace {
// Enough for every test that asks for the same token again; bounds what a load test leaves behind.
constexpr size_t kMaxRemembered = 10'000;
}  // namespace

TokenIssuer::Issued TokenIssuer::Make(const TokenRequest& request, absl::string_view audience,
                                      const Json& extra_claims, int64_t now) const {
  const std::string& client_id = request.client->client.id;
  const int64_t expires_at = now + request.lifetime_seconds.value_or(options_.lifetime_seconds);
  const std::string object_id = UuidFromText(absl::StrCat(request.tenant_id, "/", client_id));
  Json claims = {{"iss", request.issuer},
                 {"aud", std::string(audience)},
                 {"iat", now},
                 {"nbf", now},
                 {"exp", expires_at},
                 {"jti", RandomUuid()},
                 {"azp", client_id},
                 {"roles", request.client->client.roles}};
  if (IsLikeEntra(request.shape)) {
    claims.update({{"sub", object_id},
                   {"oid", object_id},
                   {"tid", request.tenant_id},
                   {"appid", client_id},
                   {"ver", "2.0"}});
  } else {
    claims.update({{"sub", client_id}, {"client_id", client_id}});
  }
  claims.update(extra_claims);
  return {SignJwt(key_, claims), expires_at};
}

Json TokenIssuer::Issue(const TokenRequest& request, absl::string_view audience,
                        const Json& extra_claims) {
  const int64_t now_seconds = absl::ToUnixSeconds(now());
  const std::string key =
      absl::StrCat(request.issuer, "\n", request.client->client.id, "\n", audience);
  std::optional<Issued> issued;
  if (request.same_token) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = latest_.find(key);
    if (it != latest_.end() && it->second.expires_at > now_seconds) issued = it->second;
  }
  if (!issued) {
    issued = Make(request, audience, extra_claims, now_seconds);  // signs: not under the lock
    const std::lock_guard<std::mutex> lock(mutex_);
    ++issued_;
    if (latest_.size() >= kMaxRemembered) latest_.clear();
    latest_[key] = *issued;
  }
  const int64_t expires_in = issued->expires_at - now_seconds;
  Json body = {
      {"token_type", "Bearer"}, {"expires_in", expires_in}, {"access_token", issued->token}};
  if (request.shape == Shape::kEntra) body["ext_expires_in"] = expires_in;
  if (options_.refresh_in_seconds) body["refresh_in"] = *options_.refresh_in_seconds;
  return body;
}

int64_t TokenIssuer::issued() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return issued_;
}

}  // namespace tokensvc::devauth
