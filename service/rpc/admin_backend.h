// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_ADMIN_BACKEND_H_
#define TOKENSVC_SERVICE_RPC_ADMIN_BACKEND_H_

#include <functional>

#include "base/clock.h"
#include "service/authority/error.h"
#include "tokensvc/admin/v1/admin_service.pb.h"

namespace tokensvc {

/// What the AdminService asks of the process behind it, once the caller's role is checked. Answers
/// are bounded, and hold no secret. Thread-safe.
class AdminBackend {
 public:
  template <class Response>
  using Done = std::function<void(Result<Response>)>;

  virtual ~AdminBackend() = default;

  // Called on a thread that may wait for a while, and compute.
  virtual Result<admin::v1::GetBuildInfoResponse> GetBuildInfo(
      const admin::v1::GetBuildInfoRequest& request) = 0;
  virtual Result<admin::v1::GetEffectiveConfigurationResponse> GetEffectiveConfiguration(
      const admin::v1::GetEffectiveConfigurationRequest& request) = 0;
  virtual Result<admin::v1::GetCacheStatisticsResponse> GetCacheStatistics(
      const admin::v1::GetCacheStatisticsRequest& request) = 0;
  virtual Result<admin::v1::GetKeyRingsResponse> GetKeyRings(
      const admin::v1::GetKeyRingsRequest& request) = 0;
  virtual Result<admin::v1::ExplainAccessResponse> ExplainAccess(
      const admin::v1::ExplainAccessRequest& request) = 0;
  virtual Result<admin::v1::TestPolicyResponse> TestPolicy(
      const admin::v1::TestPolicyRequest& request) = 0;

  // Likewise; `done` runs once, on any thread, at `deadline` at the latest.
  virtual void PurgeCache(const admin::v1::PurgeCacheRequest& request, BootTime deadline,
                          Done<admin::v1::PurgeCacheResponse> done) = 0;
  virtual void Reload(const admin::v1::ReloadRequest& request, BootTime deadline,
                      Done<admin::v1::ReloadResponse> done) = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_ADMIN_BACKEND_H_
