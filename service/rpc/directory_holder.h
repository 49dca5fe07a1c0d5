// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_DIRECTORY_HOLDER_H_
#define TOKENSVC_SERVICE_RPC_DIRECTORY_HOLDER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "service/grant/registration.h"

namespace tokensvc {

/// The registrations in force. A reload swaps them whole; a call that has one keeps it.
/// Thread-safe.
class DirectoryHolder {
 public:
  void Set(std::shared_ptr<const Directory> directory) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    directory_ = std::move(directory);
  }
  /// Null when there is none of that name.
  std::shared_ptr<const Registration> Find(absl::string_view name) const
      ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    if (directory_ == nullptr) return nullptr;
    const auto found = directory_->find(name);
    return found == directory_->end() ? nullptr : found->second;
  }
  /// All of them.
  std::shared_ptr<const Directory> Current() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return directory_;
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Directory> directory_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_DIRECTORY_HOLDER_H_
