// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/caller_resolver.h"

#include <grpc/grpc_security_constants.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "service/jose/jwt_refusal.h"

namespace tokensvc {
namespace {

// A call that comes without a usable identity ends soon: nobody waits for keys longer than this.
constexpr absl::Duration kLongestWaitForKeys = absl::Seconds(5);

CallerRefusal Unauthenticated(absl::string_view cause) {
  CallerRefusal refusal;
  refusal.error.code = absl::StatusCode::kUnauthenticated;
  refusal.error.reason = Reason::kUnauthenticated;
  refusal.error.message = "no caller identity that this listener accepts";
  refusal.cause = cause;
  return refusal;
}

CallerRefusal KeysUnavailable() {
  CallerRefusal refusal;
  refusal.error.code = absl::StatusCode::kUnavailable;
  refusal.error.reason = Reason::kIdentityUnavailable;
  refusal.error.message = "the keys that would tell who calls can't be fetched just now";
  refusal.error.retry_after = kDefaultRetryAfter;
  refusal.cause = JwtRefusalName(JwtRefusal::kKeysUnavailable);
  return refusal;
}

absl::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

absl::string_view Property(const grpc::AuthContext& context, const char* name) {
  const std::vector<grpc::string_ref> values = context.FindPropertyValues(name);
  return values.empty() ? absl::string_view() : View(values.front());
}

/// Whom the certificate of the call's connection names.
CallerOutcome PeerOf(const grpc::CallbackServerContext& context,
                     const CertificateCallers& callers) {
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  if (peer == nullptr) return Unauthenticated("no_certificate");
  const absl::string_view leaf = Property(*peer, GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (leaf.empty()) return Unauthenticated("no_certificate");
  auto caller = callers.Identify(leaf, Property(*peer, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME));
  if (!caller.ok()) return Unauthenticated(CertificateRefusalName(caller.error()));
  return *std::move(caller);
}

}  // namespace

void FixedCaller::Resolve(const grpc::CallbackServerContext&, absl::Duration, Done done) {
  done(caller_);
}

void CertificateCallerResolver::Resolve(const grpc::CallbackServerContext& context, absl::Duration,
                                        Done done) {
  done(PeerOf(context, callers_));
}

void CertifiedProxyResolver::Resolve(const grpc::CallbackServerContext& context,
                                     absl::Duration at_most, Done done) {
  CallerOutcome proxy = PeerOf(context, proxies_);
  if (!proxy.ok()) return done(std::move(proxy));
  behind_it_->Resolve(context, at_most, std::move(done));
}

void JwtCallerResolver::Resolve(const grpc::CallbackServerContext& context, absl::Duration at_most,
                                Done done) {
  const auto& metadata = context.client_metadata();
  const auto [first, last] = metadata.equal_range("authorization");
  if (first == last) return done(Unauthenticated("no_jwt"));
  if (std::next(first) != last) return done(Unauthenticated("two_authorizations"));
  absl::string_view value = View(first->second);
  if (!absl::StartsWithIgnoreCase(value, "bearer ")) return done(Unauthenticated("no_bearer"));
  value.remove_prefix(7);
  // The authenticator's callback must be copyable, and this one is called once.
  auto once = std::make_shared<Done>(std::move(done));
  authenticator_->Authenticate(
      value, std::min(at_most, kLongestWaitForKeys), [once](JwtAuthenticator::Outcome outcome) {
        if (outcome.ok())
          return (*once)(std::make_shared<const Caller>(Caller{(*outcome)->caller_id}));
        if (outcome.error() == JwtRefusal::kKeysUnavailable) return (*once)(KeysUnavailable());
        (*once)(Unauthenticated(JwtRefusalName(outcome.error())));
      });
}

}  // namespace tokensvc
