// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_POLICY_HOLDER_H_
#define TOKENSVC_SERVICE_ACCESS_POLICY_HOLDER_H_

#include <memory>
#include <utility>

#include "base/mutex.h"
#include "service/access/compiled_policy.h"

namespace tokensvc {

/// The policy in force. A reload swaps it whole; a call that has one keeps it. Thread-safe.
class PolicyHolder {
 public:
  void Set(std::shared_ptr<const CompiledPolicy> policy) {
    MutexLock lock(&mutex_);
    policy_ = std::move(policy);
  }
  /// Never null once a policy was set.
  std::shared_ptr<const CompiledPolicy> Get() const {
    MutexLock lock(&mutex_);
    return policy_;
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const CompiledPolicy> policy_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_POLICY_HOLDER_H_
