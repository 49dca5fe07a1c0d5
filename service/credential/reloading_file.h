// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_RELOADING_FILE_H_
#define TOKENSVC_SERVICE_CREDENTIAL_RELOADING_FILE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/file_reader.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/credential/credential_environment.h"
#include "service/credential/credential_metrics.h"

namespace tokensvc {

/// Material that is made from one or more files together and follows their changes. There is no
/// watcher: whoever uses the material asks first, and at most once a second that costs a few `stat`
/// calls. What was accepted last stays in force while what lies there now is missing, half written
/// or refused; each such change is counted and logged once, and tried again every second.
/// Thread-safe.
class ReloadingFile {
 public:
  /// Secrets, keys and certificate chains are a few KiB; more is a mistake.
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 10;
  /// How often files are looked at: soon enough for a rotation, far less often than requests.
  static constexpr absl::Duration kCheckInterval = absl::Seconds(1);

  virtual ~ReloadingFile() = default;
  ReloadingFile(const ReloadingFile&) = delete;
  ReloadingFile& operator=(const ReloadingFile&) = delete;

  /// Whether `Check` has something to do. Quick; for deciding whether to go to a worker.
  bool CheckIsDue() const;

  /// Looks at the files, unless that was done within the last second or is being done by another
  /// thread, and takes over what changed. Blocks on files: for a worker's thread.
  void Check();

  /// 1 for what was there at the start, and one more for each change taken over.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

 protected:
  struct Options {
    std::string credential_id;
    /// Read together, in this order. Empty: nothing ever changes.
    std::vector<std::string> paths;
  };

  ReloadingFile(Options options, const CredentialEnvironment& environment);

  /// Reads the files for the first time; to be called once, before anything else.
  absl::Status LoadFirst() { return Load(1); }

  /// Makes the material of the files' contents and publishes it under `version`, or says why not
  /// and leaves everything as it was. The status holds nothing of the contents. One call at a time.
  virtual absl::Status Accept(std::vector<Secret> contents, std::uint64_t version) = 0;

  const std::string& credential_id() const { return options_.credential_id; }

 private:
  using Identities = std::vector<std::optional<FileIdentity>>;

  Identities Identify() const;
  absl::Status Load(std::uint64_t version);
  void TakeOverChange();

  const Options options_;
  const Clock& clock_;
  Logger& logger_;
  const CredentialMetrics::Counters& counters_;

  std::atomic<std::uint64_t> version_{1};
  std::atomic<BootTime> next_check_;
  // Held by the thread that looks at the files, which alone touches what follows. Not a mutex:
  // nobody waits for a file system that hangs.
  std::atomic<bool> checking_{false};
  Identities accepted_;
  std::string accepted_digest_;
  std::optional<Identities> refused_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_RELOADING_FILE_H_
