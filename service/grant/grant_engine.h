// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_GRANT_GRANT_ENGINE_H_
#define TOKENSVC_SERVICE_GRANT_GRANT_ENGINE_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "asio/awaitable.hpp"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "service/authority/authority_metadata.h"
#include "service/authority/error.h"
#include "service/authority/token_response.h"
#include "service/credential/managed_identity_client.h"
#include "service/grant/grant.h"
#include "service/grant/registration.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// What goes with a token request besides the grant.
struct GrantContext {
  std::string correlation_id;  ///< Sent to the authority and logged.
  std::string trace_id;        ///< Of the caller's `traceparent`; logged only.
};

/// A token, and when it was asked for: `expires_in` counts from there, the only instant that is
/// surely not too late.
struct RedeemedToken {
  TokenResponse response;
  BootTime requested_at;
  /// The client credential that it was asked for with; empty: none was.
  std::string credential = {};
};

/// Counters of what authorities answered. One set for all loops.
struct GrantMetrics {
  explicit GrantMetrics(MetricRegistry& registry);

  Counter& token;        ///< A token.
  Counter& refused;      ///< An OAuth error.
  Counter& throttled;    ///< 429 or its like.
  Counter& unavailable;  ///< No answer, 5xx.
  Counter& invalid;      ///< An answer that makes no sense.
  Counter& untrusted;    ///< TLS certificate or discovery document refused.
  Histogram& duration;   ///< From request to answer.
};

/// Turns a grant into one token: finds the authority's token endpoint, authenticates the client,
/// asks, reads the answer. No cache, no retry, except that the next client credential is tried
/// where the authority refuses one. Belongs to one event loop, which must not outlive it with
/// coroutines of it running.
class GrantEngine {
 public:
  struct Dependencies {
    HttpTransport& transport;
    AuthorityMetadata& metadata;
    ManagedIdentityClient& identities;
    const Clock& clock;
    Logger& logger;
    GrantMetrics& metrics;
  };

  explicit GrantEngine(Dependencies dependencies) : deps_(dependencies) {}

  /// Asks the registration's authority for a token in `tenant` (empty where it has none). Every
  /// wait inside is bounded by the authority's `request_timeout`, and by the budget of managed
  /// identities' retries, of which the platform is asked instead where the authority is one: for
  /// the resource of the one scope, and without any claims, of which it takes none.
  asio::awaitable<Result<RedeemedToken>> Redeem(std::shared_ptr<const Registration> registration,
                                                std::string tenant,
                                                std::shared_ptr<const Grant> grant,
                                                GrantContext context);

 private:
  /// What became of a client credential.
  struct Presented {
    std::uint64_t version = 0;
    bool out_of_reach = false;  ///< Who hands it out does not, for now.
  };
  asio::awaitable<Result<RedeemedToken>> RedeemAtPlatform(const Registration& registration,
                                                          const Grant& grant);
  asio::awaitable<Result<RedeemedToken>> RedeemWith(const Registration& registration,
                                                    const std::string& tenant,
                                                    const TokenEndpoint& endpoint,
                                                    ClientCredential& credential,
                                                    const Grant& grant, const GrantContext& context,
                                                    Presented* presented);
  void Record(const Registration& registration, const Grant& grant, const GrantContext& context,
              absl::string_view tenant, const Result<RedeemedToken>& result, BootTime started);

  const Dependencies deps_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_GRANT_GRANT_ENGINE_H_
