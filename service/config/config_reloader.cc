// SPDX-License-Identifier: Apache-2.0
#include "service/config/config_reloader.h"

namespace tokensvc {

absl::Status ConfigReloader::Load(const Apply& apply) {
  const ConfigResult loaded = Read();
  if (!loaded.ok()) {
    return absl::InvalidArgumentError(FormatConfigErrors(path_, loaded.error()));
  }
  return apply(*loaded);
}

absl::Status ConfigReloader::Poll(bool asked, Logger& logger, const Apply& apply) {
  const bool policy_changed = policy_file_.has_value() && policy_file_->Changed();
  const bool changed = file_.Changed() || policy_changed;
  const bool retry = !refusal_.empty() && clock_.Boot() >= retry_at_;
  if (!asked && !changed && !retry) return absl::OkStatus();
  const absl::Status loaded = Load(apply);
  if (loaded.ok()) {
    refusal_.clear();
    return loaded;
  }
  // Who changes the file or asks wants an answer each time; a retry has something to say only where
  // something else is wrong by now.
  if (asked || changed || refusal_ != loaded.message()) {
    logger.Error("configuration_refused",
                 {{"errors", loaded.message()}, {"in_force", "the configuration from before"}});
  }
  refusal_ = std::string(loaded.message());
  retry_at_ = clock_.Boot() + ToNanos(kRetryInterval);
  return loaded;
}

}  // namespace tokensvc
