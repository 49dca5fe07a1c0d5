// SPDX-License-Identifier: Apache-2.0
#include "service/source/app_token_request.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "service/authority/claims.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxCorrelationId = 64;
constexpr std::size_t kMaxUri = 2048;
constexpr std::size_t kMaxExtraParameters = 16;
constexpr std::size_t kMaxExtraValue = 2048;

/// Parameters that the service itself writes: no configuration can hand them to a caller (invariant
/// 8).
constexpr absl::string_view kOwnParameters[] = {
    "grant_type",    "client_id",     "client_secret", "client_assertion", "client_assertion_type",
    "scope",         "resource",      "audience",      "claims",           "assertion",
    "code",          "refresh_token", "username",      "password",         "requested_token_use",
    "redirect_uri",  "code_verifier", "device_code",   "token_type",       "req_cnf",
    "subject_token", "actor_token"};

bool IsVisibleAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

bool IsCorrelationId(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxCorrelationId &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                  c == '.';
         });
}

class Violations {
 public:
  void Add(std::string field, std::string description) {
    violations_.push_back({std::move(field), std::move(description)});
  }
  void AddAll(const Error& error) {
    for (const FieldViolation& violation : error.violations) violations_.push_back(violation);
    // The more telling reason of the two: a caller that sees it knows which field family to look
    // at.
    if (error.reason == Reason::kScopeNotAccepted) reason_ = error.reason;
  }
  bool empty() const { return violations_.empty(); }
  Error ToError() && {
    Error error;
    error.code = absl::StatusCode::kInvalidArgument;
    error.reason = reason_;
    error.message = absl::StrCat(violations_.front().field, ": ", violations_.front().description);
    if (violations_.size() > 1) {
      absl::StrAppend(&error.message, " (and ", violations_.size() - 1, " more, see BadRequest)");
    }
    error.violations = std::move(violations_);
    return error;
  }

 private:
  Reason reason_ = Reason::kInvalidRequest;
  std::vector<FieldViolation> violations_;
};

void CheckTarget(const AppTokenParams& params, const AuthorityProfile& profile,
                 Violations& violations) {
  const auto check = [&](absl::string_view field, absl::string_view value, bool sent) {
    if (value.empty()) return;
    if (!sent) {
      violations.Add(std::string(field),
                     "this authority does not take this field; name the resource in the scope");
    } else if (value.size() > kMaxUri || !IsVisibleAscii(value)) {
      violations.Add(std::string(field), "at most 2,048 visible ASCII characters");
    }
  };
  check("resource", params.resource, profile.sends_resource);
  check("audience", params.audience, profile.sends_audience);
  if (!params.resource.empty() && profile.sends_resource &&
      (!absl::StrContains(params.resource, ":") || absl::StrContains(params.resource, "#"))) {
    violations.Add("resource", "an absolute URI without fragment (RFC 8707 §2)");
  }
}

void CheckExtraParameters(const Registration& registration, const AppTokenParams& params,
                          Violations& violations) {
  if (params.extra_parameters.size() > kMaxExtraParameters) {
    violations.Add("extra_parameters", "at most 16");
    return;
  }
  for (const auto& [name, value] : params.extra_parameters) {
    const bool known = registration.extra_parameters.contains(name) &&
                       std::find(std::begin(kOwnParameters), std::end(kOwnParameters), name) ==
                           std::end(kOwnParameters);
    if (!known) {
      violations.Add("extra_parameters", "holds a name that the registration does not list");
    } else if (value.empty() || value.size() > kMaxExtraValue || !IsPrintable(value)) {
      violations.Add(absl::StrCat("extra_parameters[", name, "]"),
                     "1 to 2,048 characters, none of them a control character");
    }
  }
}

}  // namespace

std::string CorrelationIdFor(absl::string_view asked) {
  return IsCorrelationId(asked) ? std::string(asked) : MakeCorrelationId();
}

Result<AppTokenRequest> MakeAppTokenRequest(std::shared_ptr<const Registration> registration,
                                            const AppTokenParams& params) {
  const AuthorityProfile& profile = ProfileOf(*registration->authority);
  AppTokenRequest request;
  Violations violations;

  Result<std::string> tenant = ResolveTenant(*registration, params.tenant);
  if (tenant.ok()) {
    request.tenant = *std::move(tenant);
  } else if (tenant.error().code == absl::StatusCode::kInvalidArgument) {
    violations.AddAll(tenant.error());
  } else {
    return std::move(tenant).error();
  }

  Result<ScopeSet> scopes = ParseAppScopes(params.scopes, profile);
  if (scopes.ok()) {
    request.scopes = *std::move(scopes);
  } else {
    violations.AddAll(scopes.error());
  }

  CheckTarget(params, profile, violations);
  CheckExtraParameters(*registration, params, violations);

  if (!params.claims_challenge.empty()) {
    Result<std::string> claims = CanonicalClaims(params.claims_challenge, "claims_challenge");
    if (claims.ok()) {
      request.claims_challenge = *std::move(claims);
    } else {
      violations.AddAll(claims.error());
    }
  }
  if (!params.client_claims.empty()) {
    if (!registration->client_claims_allowed) {
      violations.Add("client_claims", "this registration does not allow client claims");
    } else if (Result<std::string> claims = CanonicalClaims(params.client_claims, "client_claims");
               claims.ok()) {
      request.client_claims = *std::move(claims);
    } else {
      violations.AddAll(claims.error());
    }
  }

  request.correlation_id = CorrelationIdFor(params.correlation_id);
  if (!params.correlation_id.empty() && request.correlation_id != params.correlation_id) {
    violations.Add("correlation_id", "1 to 64 letters, digits, '-', '_' or '.'");
  }
  if (!violations.empty()) return std::move(violations).ToError();

  request.resource = std::string(params.resource);
  request.audience = std::string(params.audience);
  request.force_refresh = params.force_refresh;
  for (const auto& [name, value] : params.extra_parameters) {
    request.extra_parameters.emplace_back(name, value);
  }
  std::sort(request.extra_parameters.begin(), request.extra_parameters.end());
  request.registration = std::move(registration);
  return request;
}

}  // namespace tokensvc
