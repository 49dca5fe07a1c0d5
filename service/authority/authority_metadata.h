// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_AUTHORITY_AUTHORITY_METADATA_H_
#define TOKENSVC_SERVICE_AUTHORITY_AUTHORITY_METADATA_H_

#include <memory>
#include <string>

#include "asio/awaitable.hpp"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "service/authority/authority.h"
#include "service/authority/document_cache.h"
#include "service/authority/error.h"
#include "service/authority/provider_metadata.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// Counts of metadata requests, made once and shared by all loops. Thread-safe.
struct AuthorityMetrics {
  explicit AuthorityMetrics(MetricRegistry& registry);
  Counter& instance_ok;
  Counter& instance_failed;
  Counter& provider_ok;
  Counter& provider_failed;
};

/// Finds token endpoints. Belongs to one event loop, without locks: call it from coroutines on that
/// loop only, and let it, and everything that it was given, live until that loop has stopped: its
/// requests run on when their callers are gone.
class AuthorityMetadata {
 public:
  AuthorityMetadata(HttpTransport& transport, const Clock& clock, Logger& logger,
                    AuthorityMetrics& metrics);

  /// Where `authority` issues tokens for `tenant` (Entra: canonical, see `CanonicalTenant`; OIDC:
  /// empty). Entra: `https://{host}/{tenant}/oauth2/v2.0/token`, where the host is the configured
  /// one, the one that an instance discovery prefers, or the regional one (client credentials only:
  /// user grants have no regional endpoint). The discovery is asked once a day for each host; its
  /// `invalid_instance` is the one answer that refuses the authority (kAuthorityUntrusted), and any
  /// other failure leaves the host as it is, for a minute. OIDC: from the provider's metadata, kept
  /// for a day and fetched anew on use after half a day; a refresh that fails leaves the old one in
  /// force for at most a week, unless the new one is kAuthorityUntrusted and a day has passed.
  /// Without one, a failure is answered at once for 5 s, then 10 s … 60 s. Simultaneous calls share
  /// one request, which has the authority's `request_timeout`; how long a caller waits is the
  /// caller's matter: cancelling this coroutine leaves the request to the others. Errors:
  /// kAuthorityUntrusted, kAuthorityUnavailable, kAuthorityResponseInvalid, kOverloaded,
  /// kInvalidRequest (tenant), kRegistrationMisconfigured (an authority that `CheckAuthority`
  /// refuses), kDeadline (cancelled).
  /// The other kinds have one endpoint, and nobody is asked.
  asio::awaitable<Result<TokenEndpoint>> TokenEndpointFor(
      std::shared_ptr<const Authority> authority, std::string tenant);

 private:
  struct Ports {
    HttpTransport* transport;
    Logger* logger;
    AuthorityMetrics* metrics;
  };

  static asio::awaitable<Result<std::string>> FetchInstance(
      Ports ports, std::shared_ptr<const Authority> authority);
  static asio::awaitable<Result<TokenEndpoint>> FetchProvider(
      Ports ports, std::shared_ptr<const Authority> authority);
  asio::awaitable<Result<TokenEndpoint>> EntraEndpoint(std::shared_ptr<const Authority> authority,
                                                       std::string tenant);

  const Ports ports_;
  DocumentCache<std::string> instances_;  // The host to talk to.
  DocumentCache<TokenEndpoint> providers_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_AUTHORITY_AUTHORITY_METADATA_H_
