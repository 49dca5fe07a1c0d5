// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_STORED_AUDIT_RECORD_H_
#define TOKENSVC_SERVICE_TELEMETRY_STORED_AUDIT_RECORD_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "service/telemetry/audit_record.h"

namespace tokensvc {

/// A record with texts of its own, in one block. Move-only.
class StoredAuditRecord {
 public:
  explicit StoredAuditRecord(const AuditRecord& record)
      : record_(record), text_(new char[TextBytes(record)]) {
    char* out = text_.get();
    for (absl::string_view AuditRecord::*const text : kAuditTexts) {
      const absl::string_view from = record.*text;
      record_.*text = absl::string_view(out, from.size());
      out = std::copy(from.begin(), from.end(), out);
    }
  }

  const AuditRecord& operator*() const { return record_; }
  const AuditRecord* operator->() const { return &record_; }
  void set_sequence(std::uint64_t sequence) { record_.sequence = sequence; }
  /// One more like it.
  void Count(absl::Time time) {
    ++record_.count;
    record_.until = std::max(std::max(record_.until, record_.time), time);
  }

  /// What it takes, about.
  std::size_t MemoryBytes() const { return MemoryBytesOf(record_); }
  static std::size_t MemoryBytesOf(const AuditRecord& record) {
    constexpr std::size_t kOfAllocator = 16;
    return sizeof(StoredAuditRecord) + kOfAllocator + TextBytes(record);
  }

 private:
  static std::size_t TextBytes(const AuditRecord& record) {
    std::size_t bytes = 0;
    for (absl::string_view AuditRecord::*const text : kAuditTexts) bytes += (record.*text).size();
    return bytes;
  }

  AuditRecord record_;
  std::unique_ptr<char[]> text_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_STORED_AUDIT_RECORD_H_
