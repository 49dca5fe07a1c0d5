// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_AUTHORITY_CANARY_H_
#define TOKENSVC_TESTS_SERVICE_AUTHORITY_CANARY_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "service/authority/error.h"

namespace tokensvc {

/// A secret that is planted in what comes from outside and must come out nowhere.
inline constexpr absl::string_view kCanary = "CANARY-8f3a1c";

/// Everything of an error that somebody may see.
inline std::string VisibleText(const Error& error) {
  std::string text = error.message;
  for (const FieldViolation& violation : error.violations) {
    absl::StrAppend(&text, "\n", violation.field, ": ", violation.description);
  }
  if (error.authority != nullptr) {
    const AuthorityErrorInfo& info = *error.authority;
    absl::StrAppend(&text, "\n", info.error, "\n", info.suberror, "\n", info.correlation_id, "\n",
                    info.trace_id, "\n", info.claims_challenge);
  }
  return text;
}

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_SERVICE_AUTHORITY_CANARY_H_
