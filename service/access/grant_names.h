// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_GRANT_NAMES_H_
#define TOKENSVC_SERVICE_ACCESS_GRANT_NAMES_H_

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace tokensvc {

/// What policy and audit records call the grants that there are.
inline constexpr absl::string_view kClientCredentialsGrant = "client_credentials";

inline constexpr std::array<absl::string_view, 1> kGrantNames = {kClientCredentialsGrant};

inline bool IsGrantName(absl::string_view name) {
  return std::find(kGrantNames.begin(), kGrantNames.end(), name) != kGrantNames.end();
}

/// All of them, for messages.
inline std::string GrantNames() { return absl::StrJoin(kGrantNames, ", "); }

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_GRANT_NAMES_H_
