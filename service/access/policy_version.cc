// SPDX-License-Identifier: Apache-2.0
#include "service/access/policy_version.h"

#include <openssl/evp.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace tokensvc {
namespace {

/// Everything with its length in front, so that nothing can pass for something else.
class Canonical {
 public:
  void Add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) text_.push_back(static_cast<char>(number >> shift));
  }
  void Add(absl::string_view text) {
    Add(std::uint64_t{text.size()});
    text_.append(text.data(), text.size());
  }
  void Add(const std::vector<std::string>& texts) {
    Add(std::uint64_t{texts.size()});
    for (const std::string& text : texts) Add(absl::string_view(text));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

std::string PolicyVersion(const PolicySpec& spec) {
  Canonical canonical;
  // By structured bindings throughout: a field that is new does not compile until it is added here.
  const auto& [groups, rules, administrators, observers, quotas] = spec;
  canonical.Add(std::uint64_t{groups.size()});
  for (const auto& [name, callers] : groups) {
    canonical.Add(absl::string_view(name));
    canonical.Add(callers);
  }
  canonical.Add(std::uint64_t{rules.size()});
  for (const auto& [name, callers, registrations, tenants, grants, scopes, force_refresh,
                    client_claims] : rules) {
    canonical.Add(absl::string_view(name));
    for (const auto* names : {&callers, &registrations, &tenants, &grants, &scopes}) {
      canonical.Add(*names);
    }
    canonical.Add(std::uint64_t{force_refresh});
    canonical.Add(std::uint64_t{client_claims});
  }
  canonical.Add(administrators);
  canonical.Add(observers);
  canonical.Add(std::uint64_t{quotas.size()});
  for (const auto& [callers, quota] : quotas) {
    canonical.Add(callers);
    const auto& [calls_per_second, burst, concurrent_calls] = quota;
    canonical.Add(std::uint64_t{calls_per_second});
    canonical.Add(std::uint64_t{burst});
    canonical.Add(std::uint64_t{concurrent_calls});
  }

  unsigned char digest[EVP_MAX_MD_SIZE];
  if (EVP_Digest(canonical.text().data(), canonical.text().size(), digest, nullptr, EVP_sha256(),
                 nullptr) != 1) {
    std::abort();  // it fails without memory only
  }
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), 8));
}

}  // namespace tokensvc
