// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_COUNTERS_H_
#define TOKENSVC_TESTS_AUTHORITY_COUNTERS_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/authority/fault.h"
#include "tests/authority/form.h"
#include "tests/authority/json.h"

namespace tokensvc::devauth {

/// What was asked of the authority so far. Every request that reaches an endpoint counts, also one
/// that a fault or a check then refuses.
struct CounterValues {
  int64_t token_requests = 0;
  std::map<std::string, int64_t> token_requests_by_tenant;  ///< as in the URL; `oidc` for OIDC
  std::map<std::string, int64_t> token_requests_by_client;  ///< as claimed, unverified
  std::map<std::string, int64_t> token_requests_by_grant;
  std::map<std::string, int64_t> token_replies_by_error;  ///< OAuth error code; "" for a success
  int64_t discovery_requests = 0;
  int64_t jwks_requests = 0;
  int64_t instance_requests = 0;
  int64_t issued_tokens = 0;
  int in_flight = 0;       ///< token requests being answered now
  int peak_in_flight = 0;  ///< and the most there ever were at once
  int open_connections = 0;
  int peak_connections = 0;
  int64_t accepted_connections = 0;
};

/// The values as `GET /_control/counters` gives them.
Json ToJson(const CounterValues& values);

/// Thread-safe. Of tenants, clients and grants at most 10,000 names each are kept apart; the rest
/// count under `(other)`.
class Counters {
 public:
  void CountRequest(Endpoint endpoint);
  /// Remembers the request as the last one and counts it by tenant, client and grant.
  void CountToken(absl::string_view tenant, absl::string_view client_id, const Form& form,
                  std::map<std::string, std::string> headers);
  void CountReply(absl::string_view error);
  void EnterToken();
  void LeaveToken();
  void Reset();

  CounterValues values() const;
  Form last_form() const;
  std::map<std::string, std::string> last_headers() const;

 private:
  mutable std::mutex mutex_;
  CounterValues values_;
  Form last_form_;
  std::map<std::string, std::string> last_headers_;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_COUNTERS_H_
