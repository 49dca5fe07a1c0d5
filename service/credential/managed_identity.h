// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_H_
#define TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "service/authority/error.h"
#include "service/credential/reloading_secret.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// Which of Azure's endpoints hands out the tokens. They differ in how a request proves that it
/// comes from this machine, and in how an answer says when its token ends.
enum class ManagedIdentitySource {
  /// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
  kImds,
  /// https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
  kAppService,
  /// https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
  kAzureArc,
};

/// As the configuration writes it: `IMDS`, `APP_SERVICE`, `AZURE_ARC`.
absl::string_view ManagedIdentitySourceName(ManagedIdentitySource source);

/// One identity of the machine or app that we run on, and how to ask for its tokens. Immutable,
/// except that the header follows its file.
struct ManagedIdentity {
  /// By what a user-assigned identity is named.
  enum class Selector { kSystemAssigned, kClientId, kObjectId, kResourceId };

  ManagedIdentitySource source = ManagedIdentitySource::kImds;
  Selector selector = Selector::kSystemAssigned;
  std::string id;        ///< Empty: the system-assigned one.
  std::string endpoint;  ///< `http` URL on a loopback or link-local address, without a query.
  std::shared_ptr<ReloadingSecret> identity_header;  ///< App Service only.
  std::string key_directory;                         ///< Azure Arc only: absolute.
};

/// What tells one identity from others: its source, its endpoint and its id.
std::string ManagedIdentityName(const ManagedIdentity& identity);

/// One request for a token for `resource`. `proof` is App Service's identity header, or the content
/// of Azure Arc's key file, or empty. Redirects are not followed, proxies not used, and the address
/// must be one of this machine's (`AddressTrust::kPlatform`).
HttpRequest MakeManagedIdentityRequest(const ManagedIdentity& identity, absl::string_view resource,
                                       const Secret& proof);

/// What a platform's endpoint gave.
struct ManagedIdentityToken {
  Secret token;
  absl::Duration expires_in;  ///< From the start of the request; at least 1 s.
  BootTime requested_at;      ///< The start of the request.
};

/// Reads an endpoint's answer: the token, or why there is none. `asked_at` is the wall-clock time
/// of the request, for answers that say when a token expires and not how long it lives. Errors,
/// whose texts hold no byte of the answer:
///   - 404, 408, 410, 429, 5xx         → kAuthorityUnavailable or kThrottled, with `retry_after`
///   - 400, 401, 403                   → kRegistrationMisconfigured; kScopeNotAccepted where it
///   says that it does not know the resource
///   - anything else that is no token  → kAuthorityResponseInvalid
/// Refused as the last: what is not a JSON object, a token that is missing, too long or no visible
/// ASCII, another type than Bearer, members of a wrong type, a life that nobody can tell.
Result<ManagedIdentityToken> ParseManagedIdentityAnswer(ManagedIdentitySource source,
                                                        const HttpResponse& response,
                                                        absl::Time asked_at);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_MANAGED_IDENTITY_H_
