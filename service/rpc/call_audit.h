// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_CALL_AUDIT_H_
#define TOKENSVC_SERVICE_RPC_CALL_AUDIT_H_

#include <grpcpp/server_context.h>

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/token_fingerprinter.h"
#include "service/access/caller.h"
#include "service/access/compiled_policy.h"
#include "service/authority/error.h"
#include "service/source/app_token_request.h"
#include "service/source/app_token_source.h"
#include "service/telemetry/audit_trail.h"

namespace tokensvc {

/// What became of one request before the cache was looked into.
struct Verdict {
  const CompiledPolicy* policy = nullptr;  ///< That decided; null where it was not asked.
  bool allowed = false;
  absl::string_view rule;        ///< That allows it; the policy's.
  absl::string_view denied_for;  ///< What a denial hides from the caller; lives for ever.
  /// What was asked for, canonical. Of failures only, and there of well-formed requests.
  std::string tenant;
  std::string scopes;
};

/// The answer to a call whose record the audit log did not take, where it fails closed.
Error AuditUnavailable();

/// Makes the audit records of one listener's calls: one for each decision. Thread-safe.
class CallAudit {
 public:
  /// `trail` null: there is none. Both must outlive this.
  CallAudit(std::string listener, AuditTrail* trail, const TokenFingerprinter* fingerprinter)
      : listener_(std::move(listener)),
        trail_(trail != nullptr && trail->enabled() ? trail : nullptr),
        fingerprinter_(fingerprinter) {}

  struct Request {
    absl::string_view method;
    const grpc::CallbackServerContext& context;
    const Caller* caller;            ///< Null: nobody known.
    absl::string_view registration;  ///< As the caller wrote it.
    absl::string_view correlation_id;
    absl::Time now;
  };

  /// `token` is about to be handed out for `asked`: records that, and calls `then(true)`; or, where
  /// the log fails closed and does not take the record, `then(false)`. At once, or later on another
  /// thread.
  template <class Then>
  void Issued(const Request& request, const Verdict& verdict, const AppTokenRequest& asked,
              const AppToken& token, Then then) const {
    if (trail_ == nullptr) return then(true);
    AuditRecord record = OfToken(request, verdict, asked, token);
    // gRPC makes a map of a call's metadata for whoever asks first, at the price of a dozen counts.
    if (trail_->Count(record)) return then(true);
    const std::string trace_id = TraceId(request);
    record.trace_id = trace_id;
    Write(record, std::move(then));
  }

  /// The same for a request that got no token.
  template <class Then>
  void Failed(const Request& request, const Verdict& verdict, const Error& error, Then then) const {
    if (trail_ == nullptr) return then(true);
    AuditRecord record = OfFailure(request, verdict, error);
    const std::string trace_id = TraceId(request);
    record.trace_id = trace_id;
    Write(record, std::move(then));
  }

 private:
  static std::string TraceId(const Request& request);
  AuditRecord Common(const Request& request, const Verdict& verdict) const;
  AuditRecord OfToken(const Request& request, const Verdict& verdict, const AppTokenRequest& asked,
                      const AppToken& token) const;
  AuditRecord OfFailure(const Request& request, const Verdict& verdict, const Error& error) const;
  template <class Then>
  void Write(const AuditRecord& record, Then then) const {
    if (!trail_->fail_closed()) {
      trail_->Write(record);
      return then(true);
    }
    trail_->Write(record, [then = std::move(then)](const absl::Status& status) mutable {
      then(status.ok());
    });
  }

  const std::string listener_;
  AuditTrail* const trail_;
  const TokenFingerprinter* const fingerprinter_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_CALL_AUDIT_H_
