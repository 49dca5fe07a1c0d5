// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/denial_limiter.h"

#include <algorithm>
#include <utility>

namespace tokensvc {
namespace {

void AddTo(DenialLimiter::LeftOut& sum, const DenialLimiter::LeftOut& more) {
  if (more.count == 0) return;
  sum.first = sum.count == 0 ? more.first : std::min(sum.first, more.first);
  sum.last = sum.count == 0 ? more.last : std::max(sum.last, more.last);
  sum.count += more.count;
}

}  // namespace

bool DenialLimiter::Admit(absl::string_view caller, BootTime now, absl::Time time) {
  MutexLock lock(&mutex_);
  if (now - second_began_ >= std::chrono::seconds(1)) EndSecond(now);
  const LeftOut one{std::string(), 1, time, time};
  auto found = callers_.find(caller);
  if (found == callers_.end()) {
    if (admitted_ >= in_total_) {
      // Not remembered one by one: there may be very many of them.
      AddTo(others_, one);
      return false;
    }
    found = callers_.try_emplace(std::string(caller)).first;
  }
  OfCaller& of_caller = found->second;
  if (admitted_ >= in_total_ || of_caller.admitted >= per_caller_) {
    AddTo(of_caller.left_out, one);
    return false;
  }
  ++admitted_;
  ++of_caller.admitted;
  return true;
}

void DenialLimiter::EndSecond(BootTime now) {
  for (auto& [caller, of_caller] : callers_) {
    if (of_caller.left_out.count == 0) continue;
    const bool room =
        untold_.size() < static_cast<std::size_t>(in_total_) || untold_.contains(caller);
    AddTo(room ? untold_[caller] : others_, of_caller.left_out);
  }
  if (others_.count > 0) AddTo(untold_[""], others_);
  others_ = {};
  callers_.clear();
  admitted_ = 0;
  second_began_ = now;
}

std::vector<DenialLimiter::LeftOut> DenialLimiter::Told() {
  std::vector<LeftOut> told;
  for (auto& [caller, left_out] : untold_) {
    told.push_back(std::move(left_out));
    told.back().caller = caller;
  }
  untold_.clear();
  std::sort(told.begin(), told.end(),
            [](const LeftOut& a, const LeftOut& b) { return a.caller < b.caller; });
  return told;
}

std::vector<DenialLimiter::LeftOut> DenialLimiter::TakeLeftOut(BootTime now) {
  MutexLock lock(&mutex_);
  if (now - second_began_ >= std::chrono::seconds(1)) EndSecond(now);
  return Told();
}

std::vector<DenialLimiter::LeftOut> DenialLimiter::TakeAllLeftOut() {
  MutexLock lock(&mutex_);
  // The limits go on to hold for what is left of it.
  for (auto& [caller, of_caller] : callers_) {
    if (of_caller.left_out.count > 0) AddTo(untold_[caller], of_caller.left_out);
    of_caller.left_out = {};
  }
  if (others_.count > 0) AddTo(untold_[""], others_);
  others_ = {};
  return Told();
}

}  // namespace tokensvc
