// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_CALLER_RESOLVER_H_
#define TOKENSVC_SERVICE_RPC_CALLER_RESOLVER_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/expected.h"
#include "service/access/caller.h"
#include "service/access/certificate_callers.h"
#include "service/access/jwt_authenticator.h"
#include "service/authority/error.h"

namespace tokensvc {

/// Why nobody is known to call.
struct CallerRefusal {
  Error error;              ///< For the caller: UNAUTHENTICATED, the same whatever the cause.
  absl::string_view cause;  ///< For logs; lives for ever.
};

using CallerOutcome = Expected<std::shared_ptr<const Caller>, CallerRefusal>;

/// How a listener tells who calls. Asked on every call, on gRPC's threads: quick. Thread-safe.
class CallerResolver {
 public:
  using Done = absl::AnyInvocable<void(CallerOutcome)>;

  virtual ~CallerResolver() = default;
  /// Calls `done` once: before returning, except where something has to be fetched first; then on
  /// another thread, after `at_most` at the latest. `context` lives until the call is finished.
  virtual void Resolve(const grpc::CallbackServerContext& context, absl::Duration at_most,
                       Done done) = 0;
};

/// Everybody is the same caller: whoever reaches a listener on loopback or a Unix socket.
class FixedCaller final : public CallerResolver {
 public:
  explicit FixedCaller(Caller caller)
      : caller_(std::make_shared<const Caller>(std::move(caller))) {}
  void Resolve(const grpc::CallbackServerContext& context, absl::Duration at_most,
               Done done) override;

 private:
  const std::shared_ptr<const Caller> caller_;
};

/// Callers are what their certificates say.
class CertificateCallerResolver final : public CallerResolver {
 public:
  /// `callers` must outlive it.
  explicit CertificateCallerResolver(const CertificateCallers& callers) : callers_(callers) {}
  void Resolve(const grpc::CallbackServerContext& context, absl::Duration at_most,
               Done done) override;

 private:
  const CertificateCallers& callers_;
};

/// Callers show a JWT in the `authorization` metadata (RFC 6750 §2.1).
class JwtCallerResolver final : public CallerResolver {
 public:
  explicit JwtCallerResolver(std::shared_ptr<JwtAuthenticator> authenticator)
      : authenticator_(std::move(authenticator)) {}
  void Resolve(const grpc::CallbackServerContext& context, absl::Duration at_most,
               Done done) override;

 private:
  const std::shared_ptr<JwtAuthenticator> authenticator_;
};

/// Connections come from proxies, which show certificates; the calls in them are of others, whom
/// another resolver tells. A proxy whose certificate expires, or whose authority is no longer
/// trusted, brings nobody any more. Its certificate needs a URI or a DNS name, as a caller's does.
class CertifiedProxyResolver final : public CallerResolver {
 public:
  /// `proxies` must outlive it.
  CertifiedProxyResolver(const CertificateCallers& proxies,
                         std::unique_ptr<CallerResolver> behind_it)
      : proxies_(proxies), behind_it_(std::move(behind_it)) {}
  void Resolve(const grpc::CallbackServerContext& context, absl::Duration at_most,
               Done done) override;

 private:
  const CertificateCallers& proxies_;
  const std::unique_ptr<CallerResolver> behind_it_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_CALLER_RESOLVER_H_
