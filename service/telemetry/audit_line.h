// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_AUDIT_LINE_H_
#define TOKENSVC_SERVICE_TELEMETRY_AUDIT_LINE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "service/telemetry/audit_record.h"

namespace tokensvc {

/// Appends the record as one JSON object and a newline (docs/AUDIT.md). `run` names this run of the
/// process: sequence numbers begin anew with each.
void AppendAuditLine(const AuditRecord& record, absl::string_view run, std::string* out);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_AUDIT_LINE_H_
