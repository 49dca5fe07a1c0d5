// SPDX-License-Identifier: Apache-2.0
#include "service/authority/tenant.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/host_name.h"
#include "service/authority/grammar.h"

namespace tokensvc {

Result<std::string> CanonicalTenant(absl::string_view tenant) {
  if (tenant.empty()) {
    return InvalidRequest("tenant",
                          "must not be empty: write a tenant id (GUID) or a verified domain");
  }
  // Before anything copies it: a tenant of 100 KiB costs nothing.
  if (tenant.size() > 253) {
    return InvalidRequest("tenant", "is longer than a tenant id (GUID) or a domain can be");
  }
  std::string canonical = absl::AsciiStrToLower(tenant);
  if (IsUuidShaped(canonical)) return canonical;
  for (const absl::string_view alias : {"common", "organizations", "consumers"}) {
    if (canonical == alias) {
      return InvalidRequest(
          "tenant", absl::StrCat("`", alias,
                                 "` stands for no single tenant: name the one that is to issue the "
                                 "token, by its id (GUID) or a verified domain"));
    }
  }
  if (!IsHostName(canonical) || canonical.find('.') == std::string::npos) {
    return InvalidRequest(
        "tenant", "is neither a tenant id (GUID) nor a domain such as contoso.onmicrosoft.com");
  }
  return canonical;
}

}  // namespace tokensvc
