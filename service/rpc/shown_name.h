// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_SHOWN_NAME_H_
#define TOKENSVC_SERVICE_RPC_SHOWN_NAME_H_

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace tokensvc {

/// A registration's name as logs and audit records may show it: a caller's text is shown where it
/// has the shape of a name in the configuration, and nothing of it where it has not.
inline absl::string_view ShownName(absl::string_view text) {
  const bool is_name = text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
                         return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
                                c == '_' || c == '-';
                       });
  return is_name ? text : "(no name)";
}

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_SHOWN_NAME_H_
