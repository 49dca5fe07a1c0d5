// SPDX-License-Identifier: Apache-2.0
#include "tests/authority/counters.h"

#include <algorithm>
#include <utility>

namespace tokensvc::devauth {
namespace {

constexpr size_t kMaxNames = 10'000;
constexpr size_t kMaxNameBytes = 256;

void Increment(std::map<std::string, int64_t>& counts, absl::string_view name) {
  const std::string key(name.substr(0, kMaxNameBytes));
  const bool known = counts.count(key) != 0 || counts.size() < kMaxNames;
  ++counts[known ? key : "(other)"];
}

}  // namespace

Json ToJson(const CounterValues& values) {
  return {{"token_requests", values.token_requests},
          {"token_requests_by_tenant", values.token_requests_by_tenant},
          {"token_requests_by_client", values.token_requests_by_client},
          {"token_requests_by_grant", values.token_requests_by_grant},
          {"token_replies_by_error", values.token_replies_by_error},
          {"discovery_requests", values.discovery_requests},
          {"jwks_requests", values.jwks_requests},
          {"instance_requests", values.instance_requests},
          {"issued_tokens", values.issued_tokens},
          {"in_flight", values.in_flight},
          {"peak_in_flight", values.peak_in_flight},
          {"open_connections", values.open_connections},
          {"peak_connections", values.peak_connections},
          {"accepted_connections", values.accepted_connections}};
}

void Counters::CountRequest(Endpoint endpoint) {
  const std::lock_guard<std::mutex> lock(mutex_);
  switch (endpoint) {
    case Endpoint::kToken:
      ++values_.token_requests;
      break;
    case Endpoint::kDiscovery:
      ++values_.discovery_requests;
      break;
    case Endpoint::kJwks:
      ++values_.jwks_requests;
      break;
    case Endpoint::kInstance:
      ++values_.instance_requests;
      break;
  }
}

void Counters::CountToken(absl::string_view tenant, absl::string_view client_id, const Form& form,
                          std::map<std::string, std::string> headers) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Increment(values_.token_requests_by_tenant, tenant);
  Increment(values_.token_requests_by_client, client_id);
  const auto grant = form.find("grant_type");
  Increment(values_.token_requests_by_grant, grant == form.end() ? "" : grant->second);
  last_form_ = form;
  last_headers_ = std::move(headers);
}

void Counters::CountReply(absl::string_view error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Increment(values_.token_replies_by_error, error);
}

void Counters::EnterToken() {
  const std::lock_guard<std::mutex> lock(mutex_);
  values_.peak_in_flight = std::max(values_.peak_in_flight, ++values_.in_flight);
}

void Counters::LeaveToken() {
  const std::lock_guard<std::mutex> lock(mutex_);
  --values_.in_flight;
}

void Counters::Reset() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const int in_flight = values_.in_flight;
  values_ = CounterValues();
  values_.in_flight = values_.peak_in_flight = in_flight;
  last_form_.clear();
  last_headers_.clear();
}

CounterValues Counters::values() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return values_;
}

Form Counters::last_form() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_form_;
}

std::map<std::string, std::string> Counters::last_headers() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_headers_;
}

}  // namespace tokensvc::devauth
