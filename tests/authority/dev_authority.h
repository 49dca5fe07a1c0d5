// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_DEV_AUTHORITY_H_
#define TOKENSVC_TESTS_AUTHORITY_DEV_AUTHORITY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/authority/client_registry.h"
#include "tests/authority/counters.h"
#include "tests/authority/fault.h"
#include "tests/authority/tenants.h"
#include "tests/authority/throttle.h"

namespace tokensvc {

/// The development authority: a token authority over real HTTP that is as strict as Entra and as
/// RFC 6749, RFC 7521 and RFC 7523 ask, and that can be made to fail in every way a client must
/// survive. Shares no code with the service: it is the other side. For tests and development only.
/// Endpoints, checks, faults and the control interface are described in README.md here.
///
/// All methods are thread-safe. The destructor closes every connection, releases slow and hanging
/// answers and returns without waiting for them to be over.
class DevAuthority {
 public:
  using Client = devauth::Client;
  using Counters = devauth::CounterValues;
  using Endpoint = devauth::Endpoint;
  using Fault = devauth::Fault;
  using Tenant = devauth::Tenant;
  using Throttle = devauth::Throttle;

  struct Options {
    std::string address = "127.0.0.1";  ///< what to listen on
    int port = 0;                       ///< 0: any free one
    /// PEM files; both or neither. An expired certificate is served as it is.
    std::string tls_certificate_file;
    std::string tls_private_key_file;
    /// Scheme, host and port as clients write them, without a final slash; empty: as bound.
    std::string public_url;
    std::vector<Client> clients;
    /// Empty: every GUID and every domain is a tenant.
    std::vector<Tenant> tenants;
    /// Resources that exist in the Entra shape, with or without a final slash; empty: all do.
    std::vector<std::string> resources;
    /// More authority hosts (`host` or `host:port`) that instance discovery gives as aliases.
    std::vector<std::string> instance_aliases;
    int token_lifetime_seconds = 3600;
    std::optional<int> refresh_in_seconds;  ///< absent: no `refresh_in` in answers
    std::string signing_key_pem;            ///< RSA, PEM; empty: generated at start
    Throttle throttle = {};                 ///< token requests; by `now`
    size_t max_request_body_bytes = 1 << 20;
    bool control_interface = true;  ///< whether /_control/ answers
    /// For token and assertion times; absent: the system's clock. Called by many threads.
    std::function<absl::Time()> now;
  };

  /// Binds, and serves from then on. `INVALID_ARGUMENT` for clients, keys or certificates that
  /// cannot be used, `UNAVAILABLE` where the port cannot be had.
  static absl::StatusOr<std::unique_ptr<DevAuthority>> Start(Options options);
  ~DevAuthority();
  DevAuthority(const DevAuthority&) = delete;
  DevAuthority& operator=(const DevAuthority&) = delete;

  /// Scheme, host and port, without a final slash.
  const std::string& base_url() const;
  int port() const;
  /// `{base}/{tenant}/oauth2/v2.0/token`.
  std::string token_endpoint(absl::string_view tenant) const;
  /// `{base}/oidc`.
  std::string oidc_issuer() const;

  /// Adds a client, or replaces the one of the same id.
  absl::Status PutClient(Client client);

  /// Adds a fault behind those that are set.
  void AddFault(Fault fault);
  /// Removes all faults and releases the requests that wait in one.
  void ClearFaults();

  Counters counters() const;
  /// Back to zero; `in_flight` and `open_connections` stay true.
  void ResetCounters();
  /// How many different access tokens were made since the start.
  int64_t issued_tokens() const;
  /// The parameters of the last token request, secrets included; empty where it had no valid form.
  std::map<std::string, std::string> last_form() const;
  /// Its headers, names in lower case.
  std::map<std::string, std::string> last_headers() const;

 private:
  class Impl;
  explicit DevAuthority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_AUTHORITY_DEV_AUTHORITY_H_
