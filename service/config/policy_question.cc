// SPDX-License-Identifier: Apache-2.0
#include "service/config/policy_question.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "service/access/caller_pattern.h"
#include "service/access/grant_names.h"
#include "service/authority/tenant.h"

namespace tokensvc {
namespace {

AccessExplanation Denied(std::string because) {
  AccessExplanation explanation;
  explanation.because = std::move(because);
  return explanation;
}

}  // namespace

std::vector<QuestionMistake> CheckQuestion(config::v1::PolicyExpectation* question) {
  std::vector<QuestionMistake> mistakes;
  const std::string& caller = question->caller();
  if (!caller.empty() &&
      (absl::StrContains(caller, '*') || !CallerPatternMistake(caller).empty())) {
    mistakes.push_back({"caller",
                        "must be one caller's id, without *, that begins with spiffe://, uri:, "
                        "dns:, jwt: or local:"});
  }
  if (!question->grant().empty() && !IsGrantName(question->grant())) {
    mistakes.push_back({"grant", absl::StrCat("must be one of ", GrantNames())});
  }
  if (!question->tenant().empty()) {
    Result<std::string> tenant = CanonicalTenant(question->tenant());
    if (tenant.ok()) {
      question->set_tenant(*std::move(tenant));
    } else {
      mistakes.push_back({"tenant", "must be a GUID or a verified domain"});
    }
  }
  for (int i = 0; i < question->scopes_size(); ++i) {
    if (question->scopes(i).empty() || absl::StrContains(question->scopes(i), ' ')) {
      mistakes.push_back({absl::StrCat("scopes[", i, "]"), "must be one scope, without spaces"});
    }
  }
  return mistakes;
}

PolicyQuestions::PolicyQuestions(const config::v1::ServiceConfig& config,
                                 const CompiledPolicy& policy)
    : policy_(policy) {
  for (const config::v1::Authority& authority : config.authorities()) {
    authorities_[authority.name()] = &authority;
  }
  for (const config::v1::Registration& registration : config.registrations()) {
    registrations_[registration.name()] = &registration;
  }
}

AccessExplanation PolicyQuestions::Ask(const config::v1::PolicyExpectation& question) const {
  const auto found = registrations_.find(question.registration());
  if (found == registrations_.end()) return Denied("there is no such registration");
  const config::v1::Registration& registration = *found->second;

  std::string tenant = question.tenant();
  if (tenant.empty()) tenant = registration.default_tenant();
  if (registration.tenants().empty() != tenant.empty()) {
    return Denied(tenant.empty()
                      ? "the request names no tenant, and the registration has no default_tenant"
                      : "the registration's authority has no tenants, and the request names one");
  }
  const bool listed =
      std::any_of(registration.tenants().begin(), registration.tenants().end(),
                  [&](const std::string& each) { return each == "*" || each == tenant; });
  if (!tenant.empty() && !listed) {
    return Denied("the tenant is not on the registration's list, whatever the policy says");
  }
  const bool claims = registration.client_claims() == config::v1::CLIENT_CLAIMS_ALLOWED;
  if (question.client_claims() && !claims) {
    return Denied("the registration refuses client claims, whatever the policy says");
  }

  AccessRequest request;
  std::string scopes = absl::StrJoin(question.scopes(), " ");
  request.scopes_have_case = ScopesHaveCase(registration.authority());
  if (!request.scopes_have_case) absl::AsciiStrToLower(&scopes);
  request.registration = question.registration();
  request.tenant = tenant;
  request.grant = question.grant();
  request.scopes = scopes;
  request.forced = question.force_refresh();
  request.client_claims = question.client_claims();
  return ExplainAccess(policy_, Caller{question.caller()}, request);
}

/// As the profiles of service/authority have it.
bool PolicyQuestions::ScopesHaveCase(const std::string& authority) const {
  const auto found = authorities_.find(authority);
  return found != authorities_.end() && (found->second->has_oidc() || found->second->has_adfs());
}

}  // namespace tokensvc
