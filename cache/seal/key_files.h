// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_KEY_FILES_H_
#define TOKENSVC_CACHE_SEAL_KEY_FILES_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_reader.h"
#include "base/key_ring.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/mutex.h"

namespace tokensvc {

/// The keys that a fleet shares. Immutable: a change makes new ones.
struct KeyRings {
  KeyRing sealing;
  KeyRing index;
  /// Since when this process has known each key, by its purpose and id, in the state it has now.
  /// Empty where nobody kept track.
  std::map<std::pair<KeyPurpose, std::uint32_t>, absl::Time> since = {};
};

/// Where the keys of the moment come from. Thread-safe.
class KeyRingSource {
 public:
  virtual ~KeyRingSource() = default;
  /// Never null. Quick.
  virtual std::shared_ptr<const KeyRings> Current() const = 0;
};

/// Keys that never change: of tests, and of a memory-only service.
class FixedKeyRings final : public KeyRingSource {
 public:
  explicit FixedKeyRings(KeyRings rings)
      : rings_(std::make_shared<const KeyRings>(std::move(rings))) {}
  std::shared_ptr<const KeyRings> Current() const override { return rings_; }

 private:
  const std::shared_ptr<const KeyRings> rings_;
};

/// Keys from two key files, followed as they change. There is no watcher: somebody calls `Check`
/// from a thread that may block, which costs two `stat` calls a second at most. What was accepted
/// last stays in force while what lies there now is missing, half written or refused; that is
/// counted and logged once for each such state of the files. Thread-safe.
class KeyFiles final : public KeyRingSource {
 public:
  static constexpr absl::Duration kCheckInterval = absl::Seconds(1);

  struct Options {
    std::string sealing_path;
    std::string index_path;
    const Clock* clock = nullptr;
    Logger* logger = nullptr;
    MetricRegistry* metrics = nullptr;
  };

  /// Reads both files. Blocks. Errors say which of the two it is and what is wrong with it, never
  /// its path or what stands in it.
  static absl::StatusOr<std::unique_ptr<KeyFiles>> Load(Options options);

  std::shared_ptr<const KeyRings> Current() const override;

  /// Whether `Check` has something to do. Quick; for deciding whether to go to a worker.
  bool CheckIsDue() const;
  /// Looks at the files, unless that was done within the last second or is being done by another
  /// thread, and takes over what changed. Blocks on files.
  void Check();

 private:
  using Identities = std::array<std::optional<FileIdentity>, 2>;

  explicit KeyFiles(Options options);

  Identities Identify() const;
  absl::StatusOr<std::shared_ptr<const KeyRings>> Read() const;
  void TakeOverChange();
  /// `before`: the rings in force until now; null where there are none.
  absl::Time SinceWhen(const KeyRing& ring, const RingKey& key, const KeyRings* before) const;

  const Options options_;
  Counter& reloads_;
  Counter& failures_;

  mutable Mutex mutex_;
  std::shared_ptr<const KeyRings> rings_ ABSL_GUARDED_BY(mutex_);

  std::atomic<BootTime> next_check_;
  // Held by the thread that looks at the files, which alone touches what follows. Not a mutex:
  // nobody waits for a file system that hangs.
  std::atomic<bool> checking_{false};
  Identities accepted_;
  std::optional<Identities> refused_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_KEY_FILES_H_
