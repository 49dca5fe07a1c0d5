// SPDX-License-Identifier: Apache-2.0
// What the AdminService tells.
#include "service/server_admin.h"

#include <curl/curl.h>
#include <google/protobuf/stubs/common.h>
#include <grpcpp/grpcpp.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/access/grant_names.h"
#include "service/config/config_text.h"
#include "service/config/effective_config.h"
#include "service/config/policy_expectations.h"
#include "service/config/policy_question.h"
#include "service/server_admin_config.h"
#include "service/source/cache_key.h"

namespace tokensvc {
namespace {

constexpr std::size_t kMaxAnswerText = std::size_t{512} << 10;
constexpr std::size_t kMaxExpectations = std::size_t{200} << 10;
constexpr std::size_t kMaxCaller = 2048;
constexpr std::size_t kMaxNameLength = 63;
constexpr int kMaxScopesAsked = 32;
constexpr std::size_t kMaxScopeBytes = 1024;
constexpr int kMaxTop = 100;
constexpr int kDefaultTop = 10;
constexpr std::size_t kMaxMistakes = 20;

void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp) {
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  timestamp->set_seconds(seconds);
  timestamp->set_nanos(
      static_cast<int>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void SetDuration(absl::Duration length, google::protobuf::Duration* duration) {
  absl::Duration rest;
  duration->set_seconds(absl::IDivDuration(length, absl::Seconds(1), &rest));
  duration->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(rest)));
}

Error Malformed(std::vector<FieldViolation> violations) {
  Error error = InvalidRequest(violations.front().field, violations.front().description);
  error.violations = std::move(violations);
  return error;
}

/// What the schema of a table of expectations says of its fields, for a question that came alone.
std::vector<FieldViolation> CheckExplain(const admin::v1::ExplainAccessRequest& request,
                                         config::v1::PolicyExpectation* question) {
  std::vector<FieldViolation> violations;
  if (request.caller().empty() || request.caller().size() > kMaxCaller) {
    violations.push_back({"caller", "a caller's id, for example spiffe://prod.example/orders"});
  }
  if (request.registration().empty() || request.registration().size() > kMaxNameLength) {
    violations.push_back({"registration", "the name of a client registration"});
  }
  const bool fit =
      std::all_of(request.scopes().begin(), request.scopes().end(),
                  [](const std::string& scope) { return scope.size() <= kMaxScopeBytes; });
  if (request.scopes_size() < 1 || request.scopes_size() > kMaxScopesAsked || !fit) {
    violations.push_back({"scopes", "1 to 32 scopes of at most 1,024 bytes"});
  }
  if (!violations.empty()) return violations;
  question->set_caller(request.caller());
  question->set_registration(request.registration());
  question->set_tenant(request.tenant());
  question->set_grant(request.grant().empty() ? std::string(kClientCredentialsGrant)
                                              : request.grant());
  *question->mutable_scopes() = request.scopes();
  question->set_force_refresh(request.force_refresh());
  question->set_client_claims(request.client_claims());
  for (QuestionMistake& mistake : CheckQuestion(question)) {
    violations.push_back({std::move(mistake.field), std::move(mistake.message)});
  }
  return violations;
}

admin::v1::KeyState ToProto(KeyState state) {
  switch (state) {
    case KeyState::kPending:
      return admin::v1::KEY_STATE_PENDING;
    case KeyState::kPrimary:
      return admin::v1::KEY_STATE_PRIMARY;
    case KeyState::kRetired:
      return admin::v1::KEY_STATE_RETIRED;
  }
  return admin::v1::KEY_STATE_UNSPECIFIED;
}

void FillRing(const KeyRings& rings, const KeyRing& ring, absl::Time now,
              admin::v1::KeyRing* shown) {
  for (const RingKey& key : ring.keys()) {
    admin::v1::Key& out = *shown->add_keys();
    out.set_id(KeyIdText(key.id));
    out.set_state(ToProto(key.state));
    const auto since = rings.since.find({ring.purpose(), key.id});
    if (since == rings.since.end()) continue;
    SetTimestamp(since->second, out.mutable_since());
    SetDuration(std::max(now - since->second, absl::ZeroDuration()), out.mutable_age());
  }
}

}  // namespace

ServerAdmin::ServerAdmin(Dependencies dependencies)
    : deps_(std::move(dependencies)),
      started_(deps_.clock.Boot()),
      started_at_(deps_.clock.Now()),
      in_force_(std::make_shared<InForceHolder>()) {}

ServerAdmin::~ServerAdmin() = default;

void ServerAdmin::SetConfig(const config::v1::ServiceConfig& start,
                            const config::v1::ServiceConfig& loaded,
                            std::shared_ptr<const CompiledPolicy> policy) {
  InForce in_force;
  in_force.config = EffectiveConfig(start, loaded);
  in_force.policy = std::move(policy);
  in_force.since = deps_.clock.Now();
  in_force.needs_restart = NeedsRestart(start, loaded);
  in_force_->Set(std::move(in_force));
}

std::shared_ptr<const ServerAdmin::InForce> ServerAdmin::Current() const {
  return in_force_->Get();
}

Result<admin::v1::GetBuildInfoResponse> ServerAdmin::GetBuildInfo(
    const admin::v1::GetBuildInfoRequest&) {
  admin::v1::GetBuildInfoResponse response;
  response.set_version(TOKENSVC_VERSION);
  response.set_build_type(TOKENSVC_BUILD_TYPE);
#if defined(__clang__)
  response.set_compiler("Clang " __clang_version__);
#else
  response.set_compiler("GCC " __VERSION__);
#endif
  auto& libraries = *response.mutable_libraries();
  libraries["gRPC"] = grpc::Version();
  libraries["Protobuf"] = google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION);
  libraries["OpenSSL"] = OpenSSL_version(OPENSSL_VERSION_STRING);
  libraries["libcurl"] = curl_version_info(CURLVERSION_NOW)->version;
  SetTimestamp(started_at_, response.mutable_started_at());
  SetDuration(absl::FromChrono(deps_.clock.Boot() - started_), response.mutable_uptime());
  return response;
}

Result<admin::v1::GetEffectiveConfigurationResponse> ServerAdmin::GetEffectiveConfiguration(
    const admin::v1::GetEffectiveConfigurationRequest& request) {
  if (!request.section().empty() && !IsConfigSection(request.section())) {
    return InvalidRequest("section", "a key of the top of the configuration file");
  }
  const std::shared_ptr<const InForce> in_force = Current();
  ConfigTextOptions options;
  options.section = request.section();
  options.name = request.name();
  options.max_bytes = kMaxAnswerText;
  ConfigText text = WriteConfig(in_force->config, options);
  admin::v1::GetEffectiveConfigurationResponse response;
  response.set_yaml(std::move(text.yaml));
  response.set_truncated(text.truncated);
  SetTimestamp(in_force->since, response.mutable_in_force_since());
  response.set_needs_restart(in_force->needs_restart);
  return response;
}

Result<admin::v1::GetCacheStatisticsResponse> ServerAdmin::GetCacheStatistics(
    const admin::v1::GetCacheStatisticsRequest& request) {
  if (request.top() < 0 || request.top() > kMaxTop) {
    return InvalidRequest("top", "1 to 100, or 0 for 10");
  }
  const std::shared_ptr<const InForce> in_force = Current();
  const config::v1::LocalCache& settings = in_force->config.cache().local();
  admin::v1::GetCacheStatisticsResponse response;
  admin::v1::LocalCacheStatistics& local = *response.mutable_local();
  const LocalCache::Size size = deps_.cache.size();
  local.set_entries(static_cast<std::int64_t>(size.entries));
  local.set_bytes(static_cast<std::int64_t>(size.bytes));
  local.set_max_bytes(static_cast<std::int64_t>(settings.max_size()));
  local.set_tenant_share_percent(static_cast<std::int32_t>(settings.tenant_share_percent()));

  std::map<std::string, std::string> authority_of;
  for (const config::v1::Registration& each : in_force->config.registrations()) {
    authority_of[each.name()] = each.authority();
  }
  const int top = request.top() == 0 ? kDefaultTop : request.top();
  const LocalCache::PartitionUses uses =
      deps_.cache.LargestPartitions(static_cast<std::size_t>(top));
  local.set_tenants(static_cast<std::int64_t>(uses.partitions));
  for (const LocalCache::PartitionUse& use : uses.largest) {
    const std::optional<CacheKeyOwner> owner = OwnerOfCacheKey(use.sample_key);
    if (!owner.has_value()) continue;
    admin::v1::TenantCacheStatistics& out = *local.add_largest();
    const auto named = authority_of.find(owner->registration);
    out.set_authority(named == authority_of.end() ? owner->authority : named->second);
    out.set_tenant(owner->tenant);
    if (owner->tenant.empty()) out.set_registration(owner->registration);
    out.set_entries(static_cast<std::int64_t>(use.size.entries));
    out.set_bytes(static_cast<std::int64_t>(use.size.bytes));
  }

  const std::optional<SharedView> shared = deps_.shared();
  response.set_shared(!shared.has_value() ? admin::v1::SHARED_CACHE_STATE_NONE
                      : shared->degraded  ? admin::v1::SHARED_CACHE_STATE_DEGRADED
                                          : admin::v1::SHARED_CACHE_STATE_IN_USE);
  response.set_remembered_failures(static_cast<std::int64_t>(deps_.failures.size()));
  return response;
}

Result<admin::v1::GetKeyRingsResponse> ServerAdmin::GetKeyRings(
    const admin::v1::GetKeyRingsRequest&) {
  admin::v1::GetKeyRingsResponse response;
  const std::optional<SharedView> shared = deps_.shared();
  if (!shared.has_value()) return response;
  const absl::Time now = deps_.clock.Now();
  FillRing(*shared->keys, shared->keys->sealing, now, response.mutable_sealing());
  FillRing(*shared->keys, shared->keys->index, now, response.mutable_index());
  return response;
}

Result<admin::v1::ExplainAccessResponse> ServerAdmin::ExplainAccess(
    const admin::v1::ExplainAccessRequest& request) {
  config::v1::PolicyExpectation question;
  std::vector<FieldViolation> violations = CheckExplain(request, &question);
  if (!violations.empty()) return Malformed(std::move(violations));
  const std::shared_ptr<const InForce> in_force = Current();
  AccessExplanation answer = PolicyQuestions(in_force->config, *in_force->policy).Ask(question);
  admin::v1::ExplainAccessResponse response;
  response.set_allowed(answer.allowed);
  response.set_rule(std::move(answer.rule));
  response.set_because(std::move(answer.because));
  for (std::string& miss : answer.near_misses) response.add_near_misses(std::move(miss));
  return response;
}

Result<admin::v1::TestPolicyResponse> ServerAdmin::TestPolicy(
    const admin::v1::TestPolicyRequest& request) {
  const std::string& yaml = request.expectations_yaml();
  if (yaml.empty() || yaml.size() > kMaxExpectations) {
    return InvalidRequest("expectations_yaml",
                          "a table of expectations (docs/POLICY.md) of at most 200 KiB; "
                          "`tokensvc-server --policy-test` takes larger ones");
  }
  const PolicyExpectationsResult expectations = ParsePolicyExpectations(yaml);
  if (!expectations.ok()) {
    std::vector<FieldViolation> violations;
    for (const ConfigError& error : expectations.error()) {
      if (violations.size() == kMaxMistakes) break;
      violations.push_back(
          {"expectations_yaml",
           absl::StrCat("line ", error.line, ", column ", error.column, ": ", error.path,
                        error.path.empty() ? "" : ": ", error.message)});
    }
    return Malformed(std::move(violations));
  }
  const std::shared_ptr<const InForce> in_force = Current();
  PolicyTestReport report =
      tokensvc::TestPolicy(in_force->config, *in_force->policy, *expectations);
  admin::v1::TestPolicyResponse response;
  response.set_asked(expectations->expectations_size());
  response.set_wrong(static_cast<std::int32_t>(report.wrong));
  if (report.text.size() > kMaxAnswerText) {
    // After a whole line: what is cut in the middle of a character is no text.
    report.text.resize(report.text.rfind('\n', kMaxAnswerText - 1) + 1);
    response.set_truncated(true);
  }
  response.set_report(std::move(report.text));
  return response;
}

}  // namespace tokensvc
