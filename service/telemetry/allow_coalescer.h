// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_ALLOW_COALESCER_H_
#define TOKENSVC_SERVICE_TELEMETRY_ALLOW_COALESCER_H_

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "base/mutex.h"
#include "service/telemetry/stored_audit_record.h"

namespace tokensvc {

/// Counts identical records instead of keeping each: those that differ in nothing but their time,
/// correlation id and trace id. A record's window ends when somebody takes what is there.
/// Thread-safe; tables are apart by hash, so that threads rarely meet.
class AllowCoalescer {
 public:
  enum class Outcome { kCounted, kKept, kRefused };

  /// Counts `record` where one like it is there.
  bool Count(const AuditRecord& record);

  /// The same. Else keeps a copy if `reserve` allows so many
  /// bytes.
  Outcome Add(const AuditRecord& record, absl::FunctionRef<bool(std::size_t)> reserve);

  /// Everything that is there, which begins anew.
  std::vector<StoredAuditRecord> Take();

 private:
  static constexpr std::size_t kShards = 16;

  using Entry = std::unique_ptr<StoredAuditRecord>;
  static const AuditRecord& Of(const AuditRecord& record) { return record; }
  static const AuditRecord& Of(const Entry& entry) { return **entry; }
  static std::size_t HashOf(const AuditRecord& record);
  static bool Same(const AuditRecord& a, const AuditRecord& b);
  struct Hash {
    using is_transparent = void;
    template <class T>
    std::size_t operator()(const T& record) const {
      return HashOf(Of(record));
    }
  };
  struct Equal {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return Same(Of(a), Of(b));
    }
  };
  using Table = absl::flat_hash_set<Entry, Hash, Equal>;
  struct alignas(64) Shard {
    Mutex mutex;
    Table table ABSL_GUARDED_BY(mutex);
  };

  std::array<Shard, kShards> shards_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_ALLOW_COALESCER_H_
