// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "client/tokenctl/admin_printing.h"
#include "client/tokenctl/commands.h"
#include "client/tokenctl/connection.h"
#include "client/tokenctl/file_input.h"
#include "client/tokenctl/terminal_text.h"
#include "tokensvc/admin/v1/admin_service.grpc.pb.h"

namespace tokensvc::tokenctl {
namespace {

using admin::v1::AdminService;

constexpr std::size_t kMaxExpectationsBytes = std::size_t{200} << 10;

/// One command's surroundings.
struct Run {
  const Options& options;
  const ChannelPtr& channel;
  const Console& console;
};

ExitCode FailAdmin(const Run& run, const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    return Fail(
        {grpc::StatusCode::UNIMPLEMENTED,
         "no AdminService at this address; it has a listener of its own, `serves: admin` in "
         "the configuration: name that one with --address"},
        run.options, run.console);
  }
  return Fail(status, run.options, run.console);
}

/// Calls `method`, and shows its answer by `text` or `json`; `verdict` tells the exit code of it.
template <class Request, class Response>
ExitCode CallAdmin(const Run& run,
                   grpc::Status (AdminService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                   const Request& request, std::string (*text)(const Response&, absl::Time),
                   Json (*json)(const Response&), ExitCode (*verdict)(const Response&) = nullptr) {
  grpc::ClientContext context;
  PrepareContext(run.options.connection.timeout, &context);
  Response response;
  const auto stub = AdminService::NewStub(run.channel);
  const grpc::Status status = ((*stub).*method)(&context, request, &response);
  if (!status.ok()) return FailAdmin(run, status);
  run.console.out << (run.options.output == OutputFormat::kJson
                          ? JsonText(json(response)) + "\n"
                          : text(response, run.console.clock.Now()));
  return verdict == nullptr ? kExitOk : verdict(response);
}

ExitCode Purge(const Run& run) {
  const AdminOptions& options = run.options.admin;
  admin::v1::PurgeCacheRequest request;
  if (!options.credential.empty()) {
    request.mutable_credential()->set_registration(options.registration);
    request.mutable_credential()->set_credential(options.credential);
  } else if (!options.tenant.empty()) {
    request.mutable_tenant()->set_authority(options.authority);
    request.mutable_tenant()->set_tenant(options.tenant);
  } else {
    request.set_registration(options.registration);
  }
  return CallAdmin(run, &AdminService::Stub::PurgeCache, request, PurgeText, PurgeJson);
}

ExitCode TestPolicy(const Run& run) {
  const std::string& file = run.options.admin.expectations_file;
  absl::StatusOr<std::string> yaml = ReadFile(file, kMaxExpectationsBytes);
  if (!yaml.ok()) {
    run.console.err << "tokenctl: " << EscapeForTerminal(file) << ": "
                    << EscapeForTerminal(yaml.status().message()) << "\n";
    return kExitUsage;
  }
  admin::v1::TestPolicyRequest request;
  request.set_expectations_yaml(*std::move(yaml));
  const auto verdict = [](const admin::v1::TestPolicyResponse& response) {
    return response.wrong() == 0 ? kExitOk : kExitRefused;
  };
  return CallAdmin<admin::v1::TestPolicyRequest, admin::v1::TestPolicyResponse>(
      run, &AdminService::Stub::TestPolicy, request, TestPolicyText, TestPolicyJson, verdict);
}

ExitCode Reload(const Run& run) {
  const auto verdict = [](const admin::v1::ReloadResponse& response) {
    return response.outcome() == admin::v1::RELOAD_OUTCOME_REFUSED ? kExitRefused : kExitOk;
  };
  return CallAdmin<admin::v1::ReloadRequest, admin::v1::ReloadResponse>(
      run, &AdminService::Stub::Reload, {}, ReloadText, ReloadJson, verdict);
}

ExitCode Config(const Run& run) {
  admin::v1::GetEffectiveConfigurationRequest request;
  request.set_section(run.options.admin.section);
  request.set_name(run.options.admin.name);
  return CallAdmin(run, &AdminService::Stub::GetEffectiveConfiguration, request, ConfigurationText,
                   ConfigurationJson);
}

ExitCode Cache(const Run& run) {
  admin::v1::GetCacheStatisticsRequest request;
  request.set_top(run.options.admin.top);
  return CallAdmin(run, &AdminService::Stub::GetCacheStatistics, request, CacheText, CacheJson);
}

}  // namespace

ExitCode RunAdmin(const Options& options, const ChannelPtr& channel, const Console& console) {
  const Run run{options, channel, console};
  switch (options.admin.action) {
    case AdminAction::kBuildInfo:
      return CallAdmin(run, &AdminService::Stub::GetBuildInfo, admin::v1::GetBuildInfoRequest(),
                       BuildInfoText, BuildInfoJson);
    case AdminAction::kConfig:
      return Config(run);
    case AdminAction::kCache:
      return Cache(run);
    case AdminAction::kKeyRings:
      return CallAdmin(run, &AdminService::Stub::GetKeyRings, admin::v1::GetKeyRingsRequest(),
                       KeyRingsText, KeyRingsJson);
    case AdminAction::kPurge:
      return Purge(run);
    case AdminAction::kReload:
      return Reload(run);
    case AdminAction::kTestPolicy:
      return TestPolicy(run);
  }
  return kExitUsage;
}

ExitCode RunExplain(const Options& options, const ChannelPtr& channel, const Console& console) {
  const ExplainOptions& asked = options.explain;
  admin::v1::ExplainAccessRequest request;
  request.set_caller(asked.caller);
  request.set_registration(asked.registration);
  request.set_tenant(asked.tenant);
  request.set_grant(asked.grant);
  for (const std::string& scope : asked.scopes) request.add_scopes(scope);
  request.set_force_refresh(asked.force_refresh);
  request.set_client_claims(asked.client_claims);
  const auto verdict = [](const admin::v1::ExplainAccessResponse& response) {
    return response.allowed() ? kExitOk : kExitRefused;
  };
  return CallAdmin<admin::v1::ExplainAccessRequest, admin::v1::ExplainAccessResponse>(
      Run{options, channel, console}, &AdminService::Stub::ExplainAccess, request, ExplainText,
      ExplainJson, verdict);
}

}  // namespace tokensvc::tokenctl
