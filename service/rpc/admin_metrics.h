// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_ADMIN_METRICS_H_
#define TOKENSVC_SERVICE_RPC_ADMIN_METRICS_H_

#include "service/rpc/rpc_metrics.h"

namespace tokensvc {

/// The calls of the AdminService, one set for all listeners; named as its methods are.
struct AdminMetrics {
  explicit AdminMetrics(MetricRegistry& registry)
      : get_build_info(registry, "GetBuildInfo"),
        get_effective_configuration(registry, "GetEffectiveConfiguration"),
        get_cache_statistics(registry, "GetCacheStatistics"),
        get_key_rings(registry, "GetKeyRings"),
        explain_access(registry, "ExplainAccess"),
        test_policy(registry, "TestPolicy"),
        purge_cache(registry, "PurgeCache"),
        reload(registry, "Reload") {}
  RpcMethodMetrics get_build_info;
  RpcMethodMetrics get_effective_configuration;
  RpcMethodMetrics get_cache_statistics;
  RpcMethodMetrics get_key_rings;
  RpcMethodMetrics explain_access;
  RpcMethodMetrics test_policy;
  RpcMethodMetrics purge_cache;
  RpcMethodMetrics reload;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_ADMIN_METRICS_H_
