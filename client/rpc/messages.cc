// SPDX-License-Identifier: Apache-2.0
#include "client/rpc/messages.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "client/rpc/grpc_status.h"

namespace tokensvc::client {
namespace {

/// The two requests name their fields alike.
template <class Message>
void Fill(const TokenRequest& request, Message* message) {
  message->set_registration(request.registration);
  message->set_tenant(request.tenant);
  for (const std::string& scope : request.scopes) message->add_scopes(scope);
  message->set_resource(request.resource);
  message->set_audience(request.audience);
  message->set_claims_challenge(request.claims_challenge);
  message->set_client_claims(request.client_claims);
  message->set_force_refresh(request.force_refresh);
  message->set_correlation_id(request.correlation_id);
  message->set_token_type(v1::TOKEN_TYPE_BEARER);
  for (const auto& [name, value] : request.extra_parameters) {
    (*message->mutable_extra_parameters())[name] = value;
  }
}

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

TokenSource ToSource(v1::TokenSource source) {
  switch (source) {
    case v1::TOKEN_SOURCE_AUTHORITY:
      return TokenSource::kAuthority;
    case v1::TOKEN_SOURCE_SHARED_CACHE:
      return TokenSource::kSharedCache;
    case v1::TOKEN_SOURCE_LOCAL_CACHE:
      return TokenSource::kLocalCache;
    default:
      return TokenSource::kUnknown;
  }
}

RefreshReason ToReason(v1::RefreshReason reason) {
  switch (reason) {
    case v1::REFRESH_REASON_NO_CACHED_TOKEN:
      return RefreshReason::kNoCachedToken;
    case v1::REFRESH_REASON_EXPIRED:
      return RefreshReason::kExpired;
    case v1::REFRESH_REASON_FORCE_REFRESH_OR_CLAIMS:
      return RefreshReason::kForceRefreshOrClaims;
    case v1::REFRESH_REASON_PROACTIVELY_REFRESHED:
      return RefreshReason::kProactivelyRefreshed;
    default:
      return RefreshReason::kNone;
  }
}

/// What a header may hold: a line break in it would begin another header.
bool IsHeaderText(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return absl::ascii_isprint(c); });
}

bool IsHeaderName(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_';
  });
}

absl::Status ToStatus(const v1::BatchError& error) {
  const bool known = error.code() > 0 && error.code() <= grpc::StatusCode::UNAUTHENTICATED;
  const auto code = known ? static_cast<grpc::StatusCode>(error.code()) : grpc::StatusCode::UNKNOWN;
  // The bytes of a google.rpc.Status, as the trailers of a single call have them.
  return ToAbslStatus(grpc::Status(code, error.message(), error.SerializeAsString()));
}

absl::StatusOr<AccessToken> ToResult(v1::BatchResult* result) {
  switch (result->outcome_case()) {
    case v1::BatchResult::kResponse:
      return FromMessage(result->mutable_response());
    case v1::BatchResult::kError:
      return ToStatus(result->error());
    default:
      return absl::InternalError("the service's answer holds neither a token nor an error");
  }
}

}  // namespace

void ToMessage(const TokenRequest& request, v1::AcquireForClientRequest* message) {
  Fill(request, message);
}

void ToMessage(const TokenRequest& request, v1::CreateAuthorizationHeaderRequest* message) {
  message->mutable_app();
  Fill(request, message);
}

absl::StatusOr<AccessToken> FromMessage(v1::AcquireForClientResponse* message) {
  v1::AccessToken& token = *message->mutable_access_token();
  if (token.token_type() != v1::TOKEN_TYPE_BEARER) {
    return absl::InternalError("the service's answer holds a token of another type than bearer");
  }
  if (!IsHeaderText(token.value()) ||
      absl::string_view(token.value()).find(' ') != token.value().npos) {
    return absl::InternalError("the service's answer holds no token that a header can carry");
  }
  AccessToken::Fields fields;
  fields.value = std::move(*token.mutable_value());
  if (token.has_expires_at()) fields.expires_at = ToTime(token.expires_at());
  if (token.has_refresh_at()) fields.refresh_at = ToTime(token.refresh_at());
  if (message->has_near_cache_until()) {
    fields.near_cache_until = ToTime(message->near_cache_until());
  }
  if (message->has_expires_in()) {
    fields.expires_in = ToDuration(message->expires_in());
    // Here its absence means that the token may not be kept.
    fields.near_cache_for = ToDuration(message->near_cache_for());
  }
  fields.granted_scopes.assign(token.granted_scopes().begin(), token.granted_scopes().end());
  fields.tenant = token.tenant();
  fields.source = ToSource(message->source());
  fields.refresh_reason = ToReason(message->refresh_reason());
  fields.correlation_id = message->correlation_id();
  return AccessToken::Make(std::move(fields));
}

absl::StatusOr<AuthorizationHeaders> FromMessage(v1::CreateAuthorizationHeaderResponse* message) {
  if (message->headers().empty()) {
    return absl::InternalError("the service's answer holds no header");
  }
  std::vector<AuthorizationHeaders::NameAndValue> headers;
  for (v1::Header& header : *message->mutable_headers()) {
    if (!IsHeaderName(header.name()) || !IsHeaderText(header.value())) {
      return absl::InternalError("the service's answer holds what is not a header");
    }
    headers.push_back({std::move(*header.mutable_name()), std::move(*header.mutable_value())});
  }
  const absl::Time expires_at =
      message->has_expires_at() ? ToTime(message->expires_at()) : absl::InfinitePast();
  return AuthorizationHeaders::Make(std::move(headers), expires_at, message->correlation_id());
}

void ToMessage(const std::vector<TokenRequest>& requests,
               v1::BatchAcquireForClientRequest* message) {
  message->mutable_requests()->Reserve(static_cast<int>(requests.size()));
  for (const TokenRequest& request : requests) Fill(request, message->add_requests());
}

absl::StatusOr<BatchResults> FromMessage(v1::BatchAcquireForClientResponse* message,
                                         std::size_t requests) {
  if (static_cast<std::size_t>(message->results_size()) != requests) {
    return absl::InternalError("the service's answer has not one result for each request");
  }
  BatchResults results;
  results.reserve(requests);
  for (v1::BatchResult& result : *message->mutable_results()) results.push_back(ToResult(&result));
  return results;
}

}  // namespace tokensvc::client
