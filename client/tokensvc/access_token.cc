// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/access_token.h"

#include <utility>

#include "base/secret.h"

namespace tokensvc::client {
namespace {

constexpr absl::string_view kBearer = "Bearer ";

}  // namespace

struct AccessToken::State {
  Fields fields;  ///< `value` is empty.
  Secret header;  ///< `Bearer <token>`: made once, so that a hit copies nothing.
};

AccessToken AccessToken::Make(Fields&& fields) {
  const Secret value(std::move(fields.value));
  std::string header;
  header.reserve(kBearer.size() + value.size());  // Growing would leave a copy behind.
  header.append(kBearer.data(), kBearer.size());
  header.append(value.Reveal().data(), value.size());
  auto state = std::make_shared<State>();
  state->header = Secret(std::move(header));
  state->fields = std::move(fields);
  state->fields.value.clear();
  return AccessToken(std::move(state));
}

AccessToken::AccessToken(std::shared_ptr<const State> state) : state_(std::move(state)) {}

absl::string_view AccessToken::Reveal() const {
  return state_->header.Reveal().substr(kBearer.size());
}

absl::string_view AccessToken::RevealAuthorizationHeader() const { return state_->header.Reveal(); }

absl::Time AccessToken::expires_at() const { return state_->fields.expires_at; }
absl::Time AccessToken::refresh_at() const { return state_->fields.refresh_at; }
absl::Time AccessToken::near_cache_until() const { return state_->fields.near_cache_until; }
std::optional<absl::Duration> AccessToken::near_cache_for() const {
  return state_->fields.near_cache_for;
}
std::optional<absl::Duration> AccessToken::expires_in() const { return state_->fields.expires_in; }
const std::vector<std::string>& AccessToken::granted_scopes() const {
  return state_->fields.granted_scopes;
}
const std::string& AccessToken::tenant() const { return state_->fields.tenant; }
TokenSource AccessToken::source() const { return state_->fields.source; }
RefreshReason AccessToken::refresh_reason() const { return state_->fields.refresh_reason; }
const std::string& AccessToken::correlation_id() const { return state_->fields.correlation_id; }

}  // namespace tokensvc::client
