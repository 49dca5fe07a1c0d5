// SPDX-License-Identifier: Apache-2.0
// The ways in which an authority fails, and what a caller then gets (DESIGN.md §3).
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/cc/authority_fault_fixture.h"

namespace tokensvc::testing {
namespace {

using Fault = DevAuthority::Fault;

constexpr auto kUnavailable = grpc::StatusCode::UNAVAILABLE;
constexpr auto kExhausted = grpc::StatusCode::RESOURCE_EXHAUSTED;
constexpr auto kPrecondition = grpc::StatusCode::FAILED_PRECONDITION;
constexpr auto kArgument = grpc::StatusCode::INVALID_ARGUMENT;

/// 5xx, no answer, or none in time.
AuthorityFault Unavailable(std::string name, std::function<void(Fault&)> break_it) {
  return {std::move(name), std::move(break_it), kUnavailable, "AUTHORITY_UNAVAILABLE", true};
}

AuthorityFault Throttled(std::string name, std::function<void(Fault&)> break_it) {
  return {std::move(name), std::move(break_it), kExhausted, "THROTTLED", true};
}

/// An answer that is none.
AuthorityFault Nonsense(std::string name, std::function<void(Fault&)> break_it) {
  return {std::move(name), std::move(break_it), kUnavailable, "AUTHORITY_RESPONSE_INVALID", true};
}

/// A refusal by its AADSTS number.
AuthorityFault Refusal(std::string name, int error_code, grpc::StatusCode code,
                       std::string reason) {
  return {std::move(name), [error_code](Fault& f) { f.error_code = error_code; }, code,
          std::move(reason)};
}

/// A success that is changed a little.
AuthorityFault Patched(std::string name, const char* member, devauth::Json value) {
  return Nonsense(std::move(name), [member, value = std::move(value)](Fault& f) {
    f.response_patch = devauth::Json::object();
    f.response_patch[member] = value;
  });
}

std::string TokenJson(const std::string& more) {
  return absl::StrCat(R"({"token_type":"Bearer","expires_in":3600,"access_token":")", kTokenCanary,
                      "\"", more, "}");
}

/// An error response with the canary wherever text can stand.
std::string HostileError() {
  devauth::Json body;
  for (const char* member : {"error", "error_description", "error_uri", "suberror", "trace_id",
                             "correlation_id", "timestamp", "claims"}) {
    body[member] = kTokenCanary;
  }
  body["error_codes"] = devauth::Json::array({kTokenCanary});
  body[kTokenCanary] = kTokenCanary;
  return body.dump();
}

}  // namespace

const std::vector<AuthorityFault>& AuthorityFaults() {
  static const auto& faults = *new std::vector<AuthorityFault>{
      Unavailable("Slow", [](Fault& f) { f.hang = true; }),
      Unavailable("InternalServerError",
                  [](Fault& f) {
                    f.status = 500;
                    f.body = kTokenCanary;
                  }),
      Unavailable("ServiceUnavailableWithRetryAfter",
                  [](Fault& f) {
                    f.status = 503;
                    f.headers["Retry-After"] = "7";
                  }),
      Unavailable("TemporarilyUnavailable", [](Fault& f) { f.error = "temporarily_unavailable"; }),
      Unavailable("Reset", [](Fault& f) { f.reset = true; }),
      Unavailable("ResetInTheMiddle", [](Fault& f) { f.reset_after_bytes = 100; }),

      Throttled("ThrottledWithRetryAfter",
                [](Fault& f) {
                  f.status = 429;
                  f.headers["Retry-After"] = "7";
                }),
      Throttled("ThrottledWithoutRetryAfter", [](Fault& f) { f.status = 429; }),
      Throttled("ThrottledWithATextBody",
                [](Fault& f) {
                  f.status = 429;
                  f.body = absl::StrCat("slow down ", kTokenCanary);
                  f.content_type = "text/plain";
                }),
      Throttled("Loop", [](Fault& f) { f.error_code = 50196; }),

      Nonsense("EmptyOk", [](Fault& f) { f.status = 200; }),
      Nonsense("NotJson", [](Fault& f) { f.body = absl::StrCat("<html>", kTokenCanary); }),
      Nonsense("DuplicateAccessToken",
               [](Fault& f) { f.body = TokenJson(R"(,"access_token":"another")"); }),
      Nonsense("TenMebibyteBody", [](Fault& f) { f.body_bytes = std::size_t{10} << 20; }),
      Patched("WrongTokenType", "token_type", "mac"),
      Patched("MissingExpiresIn", "expires_in", nullptr),
      Patched("NegativeExpiresIn", "expires_in", -1),
      Patched("AccessTokenWithALineBreak", "access_token", "a\r\nSet-Cookie: b"),
      Nonsense("Redirect",
               [](Fault& f) {
                 f.status = 302;
                 f.headers["Location"] = absl::StrCat("http://127.0.0.1:1/", kTokenCanary);
               }),
      Nonsense("EchoOfTheRequestAsText",
               [](Fault& f) {
                 f.echo_request = true;
                 f.status = 400;
                 f.content_type = "text/plain";
               }),
      Nonsense("EchoOfTheRequestAsASuccess", [](Fault& f) { f.echo_request = true; }),

      {"EchoOfTheCredential", [](Fault& f) { f.echo_credentials = true; }, kPrecondition,
       "REGISTRATION_MISCONFIGURED"},
      {"CanaryInEveryMember",
       [](Fault& f) {
         f.status = 400;
         f.body = HostileError();
       },
       kPrecondition, "REGISTRATION_MISCONFIGURED"},
      Refusal("BadSecret", 7000215, kPrecondition, "REGISTRATION_MISCONFIGURED"),
      Refusal("UnknownApplication", 700016, kPrecondition, "REGISTRATION_MISCONFIGURED"),
      Refusal("UnknownTenant", 90002, kPrecondition, "REGISTRATION_MISCONFIGURED"),
      Refusal("ScopeRefused", 70011, kArgument, "SCOPE_NOT_ACCEPTED"),
      Refusal("UnknownResource", 500011, kArgument, "SCOPE_NOT_ACCEPTED"),
      Refusal("ConditionalAccess", 53003, kPrecondition, "INTERACTION_REQUIRED"),

      {"ExpiredCertificate", nullptr, kPrecondition, "AUTHORITY_UNTRUSTED", false,
       AuthorityFault::Authority::kEntraOverTls},
      {"ForeignIssuer",
       [](Fault& f) {
         f.endpoint = DevAuthority::Endpoint::kDiscovery;
         f.foreign_issuer = absl::StrCat("https://", kTokenCanary, ".example");
       },
       kPrecondition, "AUTHORITY_UNTRUSTED", false, AuthorityFault::Authority::kOidc},

      {"ExpiresInAsAString",
       [](Fault& f) {
         f.response_patch = {{"expires_in", "3599"}};
       }},
      {"LifetimeOfTwentySeconds", [](Fault& f) { f.lifetime_seconds = 20; }},
  };
  return faults;
}

}  // namespace tokensvc::testing
