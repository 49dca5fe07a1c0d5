// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/reason_advice.h"

namespace tokensvc::tokenctl {
namespace {

struct Entry {
  absl::string_view reason;
  absl::string_view advice;
};

// In the order of tokensvc.v1.ErrorReason; a test compares the two.
constexpr Entry kAdvice[] = {
    {"INVALID_REQUEST", "A field of the request is malformed: fix it as the field lines say."},
    {"SCOPE_NOT_ACCEPTED",
     "The scope has the wrong shape or names a resource that does not exist. For Entra ask for "
     "exactly "
     "one <resource>/.default, for example https://graph.microsoft.com/.default."},
    {"POLICY_DENIED",
     "No such registration or tenant for you, or policy does not allow it; the service does not "
     "say "
     "which. Check the spelling of --registration and --tenant, then ask the operator."},
    {"INTERACTION_REQUIRED",
     "Sign-in, consent, MFA or a conditional-access step is needed; see the authority lines, and "
     "take the claims challenge to the sign-in where there is one."},
    {"REGISTRATION_MISCONFIGURED",
     "The authority refuses the service's own credential or set-up (expired secret, wrong client "
     "id, "
     "missing admin consent). Tell the operator; retrying does not help."},
    {"THROTTLED",
     "The authority throttles this client. Wait as long as it says; asking sooner makes it worse."},
    {"QUOTA_EXCEEDED",
     "A quota of the service is used up. Wait as long as it says, and keep tokens until they are "
     "due."},
    {"AUTHORITY_UNAVAILABLE",
     "The authority can't be reached or fails, and nothing valid is cached. Retry later; if it "
     "lasts, "
     "the operator checks the service's way to the authority."},
    {"AUTHORITY_RESPONSE_INVALID",
     "The authority's answer makes no sense (a proxy or captive portal in between?). Retry later; "
     "if it "
     "lasts, tell the operator."},
    {"AUTHORITY_UNTRUSTED",
     "The authority's TLS certificate or discovery document is refused. Tell the operator; "
     "retrying does not help."},
    {"OVERLOADED", "Too much waits in this replica. Retry as it says, with jitter."},
    {"DEADLINE",
     "The call's time was up while the authority was being asked. The request goes on for the next "
     "caller: ask again, or give more time with --timeout."},
    {"DRAINING", "This replica is shutting down. Retry at once: another one answers."},
    {"INTERNAL", "A defect of the service. Report it to the operator with the correlation id."},
    {"UNAUTHENTICATED",
     "The server does not know who you are: this address takes no call without an identity of the "
     "kind that it asks for, and an expired one is none. Show a client certificate (--tls "
     "--client-certificate FILE --client-key FILE) or a JWT (--jwt-file FILE)."},
    {"IDENTITY_UNAVAILABLE",
     "The server can't fetch the keys that would tell who you are. Retry as it says; if it lasts, "
     "the operator checks the service's way to the issuer of your JWT."},
    {"AUDIT_UNAVAILABLE",
     "The server's audit log is broken or slow, and it is set to answer nothing without it. Retry "
     "as it says, and tell the operator."},
    {"SHARED_CACHE_UNAVAILABLE",
     "Redis did not take the change: it holds in the one replica that you asked. Ask again as it "
     "says; if it lasts, the operator looks for redis_lost and purge_epochs_unknown in the log."},
    {"ROLE_REQUIRED",
     "The policy gives you no role that may do this: ask for a place in policy.observers (to look) "
     "or policy.administrators (to change)."},
};

}  // namespace

absl::string_view AdviceForReason(absl::string_view reason) {
  for (const Entry& entry : kAdvice) {
    if (entry.reason == reason) return entry.advice;
  }
  return {};
}

absl::string_view AdviceForStatus(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
      return "Nothing usable answers there. Is the server running, is --address right, and do both "
             "sides "
             "agree about TLS (--tls, --ca-file)? A server that wants client certificates hangs up "
             "on "
             "those who show none that it trusts (--client-certificate, --client-key).";
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return "No answer within --timeout. Is something between here and the server dropping "
             "packets? Try a "
             "longer --timeout.";
    case grpc::StatusCode::UNAUTHENTICATED:
      return "The server does not accept who you are on this listener: see --client-certificate, "
             "--client-key and --jwt-file.";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "The server answers but does not know this call: is it a Token Service, of this or a "
             "newer version?";
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return "A limit of the connection or the server was hit (a message too large, or too many "
             "calls).";
    default:
      return "The server gave no reason that this tokenctl knows; its log has more.";
  }
}

absl::string_view StatusName(grpc::StatusCode code) {
  static constexpr absl::string_view kNames[] = {"OK",
                                                 "CANCELLED",
                                                 "UNKNOWN",
                                                 "INVALID_ARGUMENT",
                                                 "DEADLINE_EXCEEDED",
                                                 "NOT_FOUND",
                                                 "ALREADY_EXISTS",
                                                 "PERMISSION_DENIED",
                                                 "RESOURCE_EXHAUSTED",
                                                 "FAILED_PRECONDITION",
                                                 "ABORTED",
                                                 "OUT_OF_RANGE",
                                                 "UNIMPLEMENTED",
                                                 "INTERNAL",
                                                 "UNAVAILABLE",
                                                 "DATA_LOSS",
                                                 "UNAUTHENTICATED"};
  const int index = static_cast<int>(code);
  return index >= 0 && index <= 16 ? kNames[index] : kNames[2];
}

}  // namespace tokensvc::tokenctl
