// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_CONFIG_RELOADER_H_
#define TOKENSVC_SERVICE_CONFIG_CONFIG_RELOADER_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "service/config/config_watcher.h"
#include "service/config/load_config.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// Reads the configuration again when somebody asks for it, or its file or the policy's changed,
/// and, once one was refused, every `kRetryInterval` until it loads: what it refers to, a secret's
/// file for example, may come later than itself. Not thread-safe.
class ConfigReloader {
 public:
  static constexpr absl::Duration kRetryInterval = absl::Seconds(5);

  /// Puts a configuration in force, or says why it can't be.
  using Apply = std::function<absl::Status(const config::v1::ServiceConfig&)>;

  ConfigReloader(std::string path, const Clock& clock) : path_(path), clock_(clock), file_(path) {}

  /// Reads the configuration for the start. No change after that is missed, in either file.
  ConfigResult Read() { return LoadConfig(path_, &policy_file_); }

  /// To be called every second or so. `asked`: whether somebody wants the file read in any case.
  /// Returns what became of it; OK where there was nothing to do.
  absl::Status Poll(bool asked, Logger& logger, const Apply& apply);

 private:
  absl::Status Load(const Apply& apply);

  const std::string path_;
  const Clock& clock_;
  ConfigWatcher file_;
  std::optional<ConfigWatcher> policy_file_;  ///< Of the configuration that was read last.
  std::string refusal_;                       ///< Why the last one was refused; empty: it was not.
  BootTime retry_at_{};
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_CONFIG_RELOADER_H_
