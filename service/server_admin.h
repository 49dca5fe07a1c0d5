// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SERVER_ADMIN_H_
#define TOKENSVC_SERVICE_SERVER_ADMIN_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cache/local_cache.h"
#include "cache/seal/key_files.h"
#include "service/access/compiled_policy.h"
#include "service/config/reload_requests.h"
#include "service/rpc/admin_backend.h"
#include "service/rpc/admin_executor.h"
#include "service/source/failure_memory.h"
#include "service/source/purger.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// What the AdminService tells of this process, and does to it. Thread-safe.
class ServerAdmin final : public AdminBackend {
 public:
  /// What replicas share, as this one has it just now.
  struct SharedView {
    std::shared_ptr<const KeyRings> keys;
    bool degraded = false;
  };
  /// What is lent. All of it outlives this.
  struct Dependencies {
    const Clock& clock;
    const LocalCache& cache;
    const FailureMemory& failures;
    Purger& purger;
    AdminExecutor& executor;                            ///< For deadlines.
    std::function<std::optional<SharedView>()> shared;  ///< Nothing: nothing is shared.
    ReloadRequests* reloads = nullptr;                  ///< Null: there is no file to read again.
  };

  explicit ServerAdmin(Dependencies dependencies);
  ~ServerAdmin() override;

  /// The process started with `start`, and put `loaded` in force just now, which has `policy`. To
  /// be called before anything else is, and after every reload that changed something.
  void SetConfig(const config::v1::ServiceConfig& start, const config::v1::ServiceConfig& loaded,
                 std::shared_ptr<const CompiledPolicy> policy);

  Result<admin::v1::GetBuildInfoResponse> GetBuildInfo(
      const admin::v1::GetBuildInfoRequest& request) override;
  Result<admin::v1::GetEffectiveConfigurationResponse> GetEffectiveConfiguration(
      const admin::v1::GetEffectiveConfigurationRequest& request) override;
  Result<admin::v1::GetCacheStatisticsResponse> GetCacheStatistics(
      const admin::v1::GetCacheStatisticsRequest& request) override;
  Result<admin::v1::GetKeyRingsResponse> GetKeyRings(
      const admin::v1::GetKeyRingsRequest& request) override;
  Result<admin::v1::ExplainAccessResponse> ExplainAccess(
      const admin::v1::ExplainAccessRequest& request) override;
  Result<admin::v1::TestPolicyResponse> TestPolicy(
      const admin::v1::TestPolicyRequest& request) override;
  void PurgeCache(const admin::v1::PurgeCacheRequest& request, BootTime deadline,
                  Done<admin::v1::PurgeCacheResponse> done) override;
  void Reload(const admin::v1::ReloadRequest& request, BootTime deadline,
              Done<admin::v1::ReloadResponse> done) override;

 private:
  struct InForce;
  class InForceHolder;

  std::shared_ptr<const InForce> Current() const;

  const Dependencies deps_;
  const BootTime started_;
  const absl::Time started_at_;
  /// Shared with reloads under way, whose answers may come late.
  const std::shared_ptr<InForceHolder> in_force_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SERVER_ADMIN_H_
