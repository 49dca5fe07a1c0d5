// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SERVER_ADMIN_CONFIG_H_
#define TOKENSVC_SERVICE_SERVER_ADMIN_CONFIG_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "service/access/compiled_policy.h"
#include "service/server_admin.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// One configuration in force. Immutable.
struct ServerAdmin::InForce {
  config::v1::ServiceConfig config;
  std::shared_ptr<const CompiledPolicy> policy;
  absl::Time since;
  bool needs_restart = false;
  std::uint64_t version = 0;  ///< Counts them.
};

/// Thread-safe.
class ServerAdmin::InForceHolder {
 public:
  void Set(InForce in_force) {
    MutexLock lock(&mutex_);
    in_force.version = current_ == nullptr ? 1 : current_->version + 1;
    current_ = std::make_shared<const InForce>(std::move(in_force));
  }
  std::shared_ptr<const InForce> Get() const {
    MutexLock lock(&mutex_);
    return current_;
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const InForce> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SERVER_ADMIN_CONFIG_H_
