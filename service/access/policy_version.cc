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
  canonical.Add(std::uint64_t{spec.groups.size()});
  for (const CallerGroup& group : spec.groups) {
    canonical.Add(absl::string_view(group.name));
    canonical.Add(group.callers);
  }
  canonical.Add(std::uint64_t{spec.rules.size()});
  for (const PolicyRule& rule : spec.rules) {
    canonical.Add(absl::string_view(rule.name));
    for (const auto* names :
         {&rule.callers, &rule.registrations, &rule.tenants, &rule.grants, &rule.scopes}) {
      canonical.Add(*names);
    }
    canonical.Add(std::uint64_t{rule.force_refresh});
    canonical.Add(std::uint64_t{rule.client_claims});
  }
  canonical.Add(spec.administrators);
  canonical.Add(spec.observers);

  unsigned char digest[EVP_MAX_MD_SIZE];
  if (EVP_Digest(canonical.text().data(), canonical.text().size(), digest, nullptr, EVP_sha256(),
                 nullptr) != 1) {
    std::abort();  // it fails without memory only
  }
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), 8));
}

}  // namespace tokensvc
