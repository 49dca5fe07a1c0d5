// SPDX-License-Identifier: Apache-2.0
#include "service/config/validate.h"

namespace tokensvc {

void ValidateAudit(const config::v1::Audit& audit, ConfigReporter* reporter) {
  if (reporter->Broken("audit.mode")) return;
  if (audit.mode() == config::v1::AUDIT_MODE_FAIL_CLOSED && !audit.has_file()) {
    reporter->Report("audit.mode",
                     "fail_closed needs a file: of nothing else is it known when a record is safe. "
                     "Write file, or mode: fail_open");
  }
  if (audit.denials_in_total() < audit.denials_per_caller() &&
      !reporter->Broken("audit.denials_per_caller") &&
      !reporter->Broken("audit.denials_in_total")) {
    reporter->Report("audit.denials_in_total", "must not be less than denials_per_caller");
  }
}

}  // namespace tokensvc
