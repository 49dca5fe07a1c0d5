// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ADMIN_PARTS_H_
#define TOKENSVC_SERVICE_ADMIN_PARTS_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "service/access/policy_holder.h"
#include "service/rpc/admin_service.h"
#include "service/server_admin.h"

namespace tokensvc {

/// The AdminService of one process: what its listeners have in common. Must outlive them.
class AdminParts {
 public:
  /// What is lent. All of it outlives this.
  struct Environment {
    const Clock& clock;
    Logger& logger;
    MetricRegistry& registry;
    const LocalCache& cache;
    const FailureMemory& failures;
    const PolicyHolder& policy;
    Purger& purger;
    std::function<std::optional<ServerAdmin::SharedView>()> shared;  ///< As in ServerAdmin.
    ReloadRequests* reloads;                                         ///< May be null.
    AdminActionSink audit;                                           ///< May be empty.
  };

  explicit AdminParts(Environment environment)
      : environment_(std::move(environment)),
        metrics_(environment_.registry),
        backend_({environment_.clock, environment_.cache, environment_.failures,
                  environment_.purger, executor_, environment_.shared, environment_.reloads}) {}

  /// See ServerAdmin.
  void SetConfig(const config::v1::ServiceConfig& start, const config::v1::ServiceConfig& loaded,
                 std::shared_ptr<const CompiledPolicy> policy) {
    backend_.SetConfig(start, loaded, std::move(policy));
  }

  /// What a listener registers whose callers `callers` knows; both live as long as this.
  grpc::Service& AddService(AdminServiceHandler::Options options, CallerResolver& callers) {
    handlers_.push_back(std::make_unique<AdminServiceHandler>(
        options,
        AdminServiceHandler::Dependencies{environment_.policy, backend_, executor_,
                                          environment_.clock, environment_.logger, metrics_,
                                          environment_.audit},
        callers));
    return *handlers_.back();
  }

 private:
  const Environment environment_;
  AdminMetrics metrics_;
  std::vector<std::unique_ptr<AdminServiceHandler>> handlers_;
  AdminExecutor executor_;
  ServerAdmin backend_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ADMIN_PARTS_H_
