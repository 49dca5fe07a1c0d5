// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/drain_gate.h"

#include <utility>

namespace tokensvc {

void DrainGate::Refuse(std::function<void()> refusal) {
  {
    MutexLock lock(&mutex_);
    if (!dismissed_ && held_.size() < kMaxHeld) {
      held_.push_back(std::move(refusal));
      return;
    }
  }
  refusal();
}

void DrainGate::Dismiss() {
  std::vector<std::function<void()>> held;
  {
    MutexLock lock(&mutex_);
    dismissed_ = true;
    held.swap(held_);
  }
  for (const std::function<void()>& refusal : held) refusal();
}

}  // namespace tokensvc
