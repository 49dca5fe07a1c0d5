// SPDX-License-Identifier: Apache-2.0
#include "service/access/compiled_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/access/caller_pattern.h"
#include "service/access/explain_access.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const KnownRegistrations kRegistrations = {{"orders", true}, {"billing", true}, {"plain", false}};
constexpr char kGraph[] = "https://graph.microsoft.com/.default";
constexpr char kApi[] = "spiffe://prod.example/ns/orders/sa/api";

PolicyRule OrdersRule() {
  PolicyRule rule;
  rule.name = "orders-graph";
  rule.callers = {kApi};
  rule.registrations = {"orders"};
  rule.tenants = {"contoso.com"};
  rule.grants = {"client_credentials"};
  rule.scopes = {kGraph};
  return rule;
}

AccessRequest OrdersRequest() {
  AccessRequest request;
  request.registration = "orders";
  request.tenant = "contoso.com";
  request.grant = "client_credentials";
  request.scopes = kGraph;
  return request;
}

std::shared_ptr<const CompiledPolicy> Compile(PolicySpec spec) {
  auto compiled = CompiledPolicy::Compile(std::move(spec), kRegistrations);
  if (compiled.ok()) return *std::move(compiled);
  for (const PolicyError& error : compiled.error()) {
    ADD_FAILURE() << error.path << ": " << error.message;
  }
  return nullptr;
}

std::shared_ptr<const CompiledPolicy> With(std::function<void(PolicyRule&)> change) {
  PolicySpec spec;
  spec.rules = {OrdersRule()};
  change(spec.rules[0]);
  return Compile(std::move(spec));
}

DenialCause Cause(const CompiledPolicy& policy, const std::string& caller,
                  const AccessRequest& request) {
  return policy.Decide({caller}, request).cause;
}

TEST(CompiledPolicyTest, AnEmptyPolicyDeniesEverybody) {
  const auto policy = Compile({});
  EXPECT_EQ(Cause(*policy, kApi, OrdersRequest()), DenialCause::kCaller);
  EXPECT_FALSE(policy->MayUse({kApi}, "orders"));
}

TEST(CompiledPolicyTest, AllowsWhatOneRuleCoversAndNamesIt) {
  const auto policy = With([](PolicyRule&) {});
  const PolicyDecision decision = policy->Decide({kApi}, OrdersRequest());
  EXPECT_TRUE(decision.allowed());
  EXPECT_EQ(decision.rule, "orders-graph");
  EXPECT_TRUE(policy->MayUse({kApi}, "orders"));
  EXPECT_FALSE(policy->MayUse({kApi}, "billing"));
}

TEST(CompiledPolicyTest, DeniesARequestThatDiffersInAnyOneThing) {
  const auto policy = With([](PolicyRule&) {});
  EXPECT_EQ(Cause(*policy, "spiffe://prod.example/ns/orders/sa/ap", OrdersRequest()),
            DenialCause::kCaller);
  EXPECT_EQ(Cause(*policy, "", OrdersRequest()), DenialCause::kCaller);
  const auto cause = [&](const std::function<void(AccessRequest&)>& change) {
    AccessRequest request = OrdersRequest();
    change(request);
    return Cause(*policy, kApi, request);
  };
  EXPECT_EQ(cause([](AccessRequest& r) { r.registration = "billing"; }),
            DenialCause::kRegistration);
  EXPECT_EQ(cause([](AccessRequest& r) { r.registration = ""; }), DenialCause::kRegistration);
  EXPECT_EQ(cause([](AccessRequest& r) { r.tenant = "fabrikam.com"; }), DenialCause::kTenant);
  EXPECT_EQ(cause([](AccessRequest& r) { r.grant = "on_behalf_of"; }), DenialCause::kGrant);
  EXPECT_EQ(cause([](AccessRequest& r) { r.scopes = "https://graph.microsoft.com/.defaults"; }),
            DenialCause::kScope);
  EXPECT_EQ(cause([](AccessRequest& r) { r.scopes = "https://graph.microsoft.com/.default more"; }),
            DenialCause::kScope);
  EXPECT_EQ(cause([](AccessRequest& r) { r.names_api = true; }), DenialCause::kScope);
  EXPECT_EQ(cause([](AccessRequest& r) { r.client_claims = true; }), DenialCause::kClientClaims);
  EXPECT_EQ(cause([](AccessRequest& r) { r.forced = true; }), DenialCause::kNone);
}

TEST(CompiledPolicyTest, WhoMayHaveAllScopesMayAlsoSayOfWhichApi) {
  const auto policy = With([](PolicyRule& rule) { rule.scopes = {"*"}; });
  AccessRequest request = OrdersRequest();
  request.names_api = true;
  EXPECT_EQ(Cause(*policy, kApi, request), DenialCause::kNone);
}

TEST(CompiledPolicyTest, ARuleMayRefuseForcedRefreshesAndAllowClientClaims) {
  const auto policy = With([](PolicyRule& rule) {
    rule.force_refresh = false;
    rule.client_claims = true;
  });
  AccessRequest request = OrdersRequest();
  request.client_claims = true;
  EXPECT_EQ(Cause(*policy, kApi, request), DenialCause::kNone);
  request.forced = true;
  EXPECT_EQ(Cause(*policy, kApi, request), DenialCause::kForcedRefresh);
}

TEST(CompiledPolicyTest, TwoRulesThatCoverHalfEachAllowNothing) {
  PolicySpec spec;
  spec.rules = {OrdersRule(), OrdersRule()};
  spec.rules[0].scopes = {"a"};
  spec.rules[1].name = "second";
  spec.rules[1].scopes = {"b"};
  const auto policy = Compile(spec);
  AccessRequest request = OrdersRequest();
  request.scopes = "a b";
  EXPECT_EQ(Cause(*policy, kApi, request), DenialCause::kScope);
  request.scopes = "b";
  EXPECT_EQ(policy->Decide({kApi}, request).rule, "second");
}

TEST(CompiledPolicyTest, APrefixOfCallersEndsAtASeparator) {
  const auto policy =
      With([](PolicyRule& rule) { rule.callers = {"spiffe://prod.example/ns/orders/*"}; });
  EXPECT_EQ(Cause(*policy, kApi, OrdersRequest()), DenialCause::kNone);
  EXPECT_EQ(Cause(*policy, "spiffe://prod.example/ns/orders/", OrdersRequest()),
            DenialCause::kNone);
  EXPECT_EQ(Cause(*policy, "spiffe://prod.example/ns/orders", OrdersRequest()),
            DenialCause::kCaller);
  EXPECT_EQ(Cause(*policy, "spiffe://prod.example/ns/orders2/sa/api", OrdersRequest()),
            DenialCause::kCaller);
  EXPECT_EQ(Cause(*policy, "spiffe://prod.example.evil/ns/orders/sa/api", OrdersRequest()),
            DenialCause::kCaller);
  // An id that looks like a pattern is an id.
  EXPECT_EQ(Cause(*policy, "spiffe://prod.example/ns/*", OrdersRequest()), DenialCause::kCaller);
}

TEST(CompiledPolicyTest, ASuffixOfDnsNamesBeginsAtADot) {
  const auto policy = With([](PolicyRule& rule) { rule.callers = {"dns:*.jobs.example"}; });
  EXPECT_EQ(Cause(*policy, "dns:nightly.jobs.example", OrdersRequest()), DenialCause::kNone);
  EXPECT_EQ(Cause(*policy, "dns:a.nightly.jobs.example", OrdersRequest()), DenialCause::kNone);
  EXPECT_EQ(Cause(*policy, "dns:jobs.example", OrdersRequest()), DenialCause::kCaller);
  EXPECT_EQ(Cause(*policy, "dns:evil-jobs.example", OrdersRequest()), DenialCause::kCaller);
  EXPECT_EQ(Cause(*policy, "uri:x.jobs.example", OrdersRequest()), DenialCause::kCaller);
}

TEST(CompiledPolicyTest, AGroupStandsForItsCallers) {
  PolicySpec spec;
  spec.groups = {{"team", {kApi, "jwt:k8s:system:serviceaccount:orders:*"}}};
  spec.rules = {OrdersRule()};
  spec.rules[0].callers = {"group:team", kApi};
  const auto policy = Compile(spec);
  EXPECT_EQ(Cause(*policy, kApi, OrdersRequest()), DenialCause::kNone);
  EXPECT_EQ(Cause(*policy, "jwt:k8s:system:serviceaccount:orders:worker", OrdersRequest()),
            DenialCause::kNone);
  EXPECT_EQ(Cause(*policy, "jwt:k8s:system:serviceaccount:billing:worker", OrdersRequest()),
            DenialCause::kCaller);
  EXPECT_EQ(Cause(*policy, "group:team", OrdersRequest()), DenialCause::kCaller);
  EXPECT_THAT(policy->RulesOf({kApi}), ElementsAre(0u));
}

TEST(CompiledPolicyTest, AStarIsAnything) {
  const auto policy = With([](PolicyRule& rule) {
    for (auto* list :
         {&rule.callers, &rule.registrations, &rule.tenants, &rule.grants, &rule.scopes}) {
      *list = {"*"};
    }
  });
  EXPECT_EQ(Cause(*policy, "local:anybody", OrdersRequest()), DenialCause::kNone);
  AccessRequest other;
  other.registration = "plain";
  other.grant = "on_behalf_of";
  other.scopes = "a b c";
  EXPECT_EQ(Cause(*policy, "dns:x", other), DenialCause::kNone);
  EXPECT_TRUE(policy->MayUse({"dns:x"}, "plain"));
}

TEST(CompiledPolicyTest, TenantsAreNotComparedWhereThereAreNone) {
  const auto policy = With([](PolicyRule& rule) {
    rule.registrations = {"plain"};
    rule.tenants.clear();
  });
  AccessRequest request = OrdersRequest();
  request.registration = "plain";
  request.tenant = "";
  EXPECT_EQ(Cause(*policy, kApi, request), DenialCause::kNone);
  request.tenant = "contoso.com";
  EXPECT_EQ(Cause(*policy, kApi, request), DenialCause::kTenant);
}

TEST(CompiledPolicyTest, ScopesHaveCaseWhereTheAuthorityMindsIt) {
  const auto policy = With([](PolicyRule& rule) { rule.scopes = {"api://Orders/Read", "Api.*"}; });
  AccessRequest request = OrdersRequest();
  request.scopes = "api://orders/read api.write";
  EXPECT_EQ(Cause(*policy, kApi, request), DenialCause::kScope);
  request.scopes_have_case = false;
  EXPECT_EQ(Cause(*policy, kApi, request), DenialCause::kNone);
}

TEST(CompiledPolicyTest, AnIdBeyondEveryLimitMatchesNothing) {
  const auto policy = With([](PolicyRule& rule) { rule.callers = {"*"}; });
  EXPECT_EQ(Cause(*policy, "dns:" + std::string(5000, '.'), OrdersRequest()), DenialCause::kCaller);
  EXPECT_FALSE(policy->MayUse({"dns:" + std::string(5000, '.')}, "orders"));
}

TEST(CompiledPolicyTest, AnIdOfSeparatorsIsLookedForAFewTimesOnly) {
  int visits = 0;
  ForEachPatternOf("jwt:" + std::string(2000, ':'), [&](absl::string_view) { ++visits; });
  EXPECT_LE(visits, kMaxSeparators + 2);
}

TEST(CompiledPolicyTest, AdministratorsAreThoseThatAreListed) {
  PolicySpec spec;
  spec.groups = {{"operators", {"dns:*.ops.example"}}};
  spec.administrators = {"group:operators"};
  spec.observers = {"jwt:k8s:*", "dns:a.ops.example"};
  spec.rules = {OrdersRule()};
  const auto policy = Compile(spec);
  EXPECT_EQ(policy->RoleOf({"dns:a.ops.example"}), AdminRole::kAdministrator);
  EXPECT_EQ(policy->RoleOf({"jwt:k8s:dashboard"}), AdminRole::kObserver);
  EXPECT_EQ(policy->RoleOf({kApi}), AdminRole::kNone);
  EXPECT_EQ(Compile({})->RoleOf({kApi}), AdminRole::kNone);
}

TEST(ExplainAccessTest, NamesTheRuleThatAllows) {
  const auto policy = With([](PolicyRule&) {});
  const AccessExplanation explanation = ExplainAccess(*policy, {kApi}, OrdersRequest());
  EXPECT_TRUE(explanation.allowed);
  EXPECT_EQ(explanation.rule, "orders-graph");
  EXPECT_THAT(explanation.because, HasSubstr("covers all"));
}

TEST(ExplainAccessTest, SaysThatNoRuleNamesTheCaller) {
  const auto policy = With([](PolicyRule&) {});
  const AccessExplanation explanation = ExplainAccess(*policy, {"dns:x"}, OrdersRequest());
  EXPECT_FALSE(explanation.allowed);
  EXPECT_THAT(explanation.because, HasSubstr("no rule names this caller"));
  EXPECT_THAT(explanation.near_misses, ElementsAre());
}

TEST(ExplainAccessTest, ListsWhatTheNearestRulesLackFirst) {
  PolicySpec spec;
  for (int i = 0; i < 15; ++i) {
    spec.rules.push_back(OrdersRule());
    spec.rules.back().name = absl::StrCat("other-", i);
    spec.rules.back().registrations = {"billing"};
  }
  spec.rules.push_back(OrdersRule());
  const auto policy = Compile(spec);
  AccessRequest request = OrdersRequest();
  request.scopes = "something";
  const AccessExplanation explanation = ExplainAccess(*policy, {kApi}, request);
  EXPECT_THAT(explanation.because, HasSubstr("16 rules name this caller"));
  ASSERT_EQ(explanation.near_misses.size(), 10u);
  EXPECT_EQ(explanation.near_misses[0], "rule orders-graph does not list all of these scopes");
  EXPECT_EQ(explanation.near_misses[1], "rule other-0 is for other registrations");
}

}  // namespace
}  // namespace tokensvc
