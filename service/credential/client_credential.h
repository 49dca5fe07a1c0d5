// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_CLIENT_CREDENTIAL_H_
#define TOKENSVC_SERVICE_CREDENTIAL_CLIENT_CREDENTIAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "asio/awaitable.hpp"
#include "base/secret.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// One request to a token endpoint while it is put together. The grant fills the endpoint, the
/// client id and its own fields; a `ClientCredential` adds what authenticates us, `client_id`
/// included, because whether that stands in the form depends on the method.
struct TokenEndpointRequest {
  /// The URL that the request goes to, regional hosts included: assertions name it as their
  /// audience.
  std::string token_endpoint;
  std::string client_id;
  /// Names and values, not yet encoded.
  std::vector<std::pair<std::string, Secret>> form;
  /// Names and values, as they go out.
  std::vector<std::pair<std::string, Secret>> headers;
  /// The `version()` of what the credential added: for `CredentialList::MarkRefused`.
  std::uint64_t credential_version = 0;
  /// To be shown in the TLS handshake (RFC 8705 §2); null: none.
  std::shared_ptr<const ClientTlsCertificate> client_certificate;
};

/// How we prove to an authority who we are. Shared by all loops; thread-safe.
class ClientCredential {
 public:
  virtual ~ClientCredential() = default;

  /// `<registration>/<index>`, for metrics and logs. Not secret.
  virtual const std::string& id() const = 0;

  /// Adds this credential to `request`; both must outlive the wait. Files that changed are picked
  /// up first; file reads and signatures run on the worker pool, not on the calling loop. On an
  /// error the request is as it was. Errors, with texts that hold no secret:
  ///   - kFailedPrecondition  the material cannot be used for this request
  ///   - kInvalidArgument     the client id or the endpoint is not UTF-8
  ///   - kResourceExhausted   the worker pool's queue is full
  ///   - kUnavailable         who hands out the material does not, for now
  ///   - kInternal            the signature failed
  virtual asio::awaitable<absl::Status> AddTo(TokenEndpointRequest& request) = 0;

  /// Looks whether the material behind this credential changed, as `AddTo` does, and takes it over.
  virtual asio::awaitable<void> CheckForChange() { co_return; }

  /// Changes whenever the material behind this credential did (a file was replaced): a refusal of
  /// an older version says nothing about this one.
  virtual std::uint64_t version() const = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_CLIENT_CREDENTIAL_H_
