// SPDX-License-Identifier: Apache-2.0
#include "service/http/http_transport.h"

namespace tokensvc {

absl::string_view HttpResponse::Header(absl::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (absl::string_view(key) == name) return value;
  }
  return {};
}

}  // namespace tokensvc
