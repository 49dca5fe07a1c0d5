// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/authorization_headers.h"

#include <utility>

#include "base/secret.h"

namespace tokensvc::client {

struct AuthorizationHeaders::State {
  struct Entry {
    std::string name;
    Secret value;
  };
  std::vector<Entry> entries;
  absl::Time expires_at;
  std::string correlation_id;
};

AuthorizationHeaders AuthorizationHeaders::Make(std::vector<NameAndValue>&& headers,
                                                absl::Time expires_at, std::string correlation_id) {
  auto state = std::make_shared<State>();
  state->entries.reserve(headers.size());
  for (NameAndValue& header : headers) {
    state->entries.push_back({std::move(header.name), Secret(std::move(header.value))});
  }
  state->expires_at = expires_at;
  state->correlation_id = std::move(correlation_id);
  return AuthorizationHeaders(std::move(state));
}

AuthorizationHeaders::AuthorizationHeaders(std::shared_ptr<const State> state)
    : state_(std::move(state)) {}

std::vector<AuthorizationHeaders::Header> AuthorizationHeaders::Reveal() const {
  std::vector<Header> headers;
  headers.reserve(state_->entries.size());
  for (const State::Entry& entry : state_->entries) {
    headers.push_back({entry.name, entry.value.Reveal()});
  }
  return headers;
}

absl::Time AuthorizationHeaders::expires_at() const { return state_->expires_at; }
const std::string& AuthorizationHeaders::correlation_id() const { return state_->correlation_id; }

}  // namespace tokensvc::client
