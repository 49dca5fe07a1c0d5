// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/audit_writer.h"

#include <algorithm>

#include "service/telemetry/audit_line.h"

namespace tokensvc {
namespace {

constexpr std::size_t kTextAtOnce = std::size_t{256} << 10;

}  // namespace

void AuditWriter::Add(std::vector<StoredAuditRecord> records) {
  std::move(records.begin(), records.end(), std::back_inserter(backlog_));
}

AuditWriter::Result AuditWriter::Write(bool sync) {
  Result result;
  std::string text;
  std::vector<std::size_t> ends;  // of each record's line
  while (!backlog_.empty()) {
    text.clear();
    ends.clear();
    for (const StoredAuditRecord& record : backlog_) {
      if (text.size() >= kTextAtOnce) break;
      AppendAuditLine(*record, run_, &text);
      ends.push_back(text.size());
    }
    const AuditSink::Written written = sink_->Write(text);
    for (const std::size_t end : ends) {
      if (end > written.bytes) break;
      ++result.records;
      result.bytes += backlog_.front().MemoryBytes();
      backlog_.pop_front();
    }
    result.status = written.status;
    if (!result.status.ok()) return result;
  }
  if (sync && result.records > 0) result.status = sink_->Sync();
  return result;
}

}  // namespace tokensvc
