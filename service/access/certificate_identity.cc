// SPDX-License-Identifier: Apache-2.0
#include "service/access/certificate_identity.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/host_name.h"

namespace tokensvc {
namespace {

constexpr absl::string_view kSpiffeScheme = "spiffe:";
constexpr std::size_t kMaxTrustDomainBytes = 255;

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

struct Names {
  std::vector<absl::string_view> spiffe_ids, other_uris, dns;
};

// By its length and not as a C string: what follows a NUL is a part of the name.
absl::string_view View(const ASN1_IA5STRING* text) {
  return absl::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                           static_cast<std::size_t>(ASN1_STRING_length(text)));
}

bool IsUri(absl::string_view text) {
  const std::size_t scheme = text.find(':');
  return scheme != 0 && scheme != absl::string_view::npos && absl::ascii_isalpha(text[0]) &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(scheme),
                     [](unsigned char c) {
                       return absl::ascii_isalnum(c) || c == '+' || c == '-' || c == '.';
                     }) &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isgraph(c); });
}

Names Sort(const GENERAL_NAMES* names) {
  Names sorted;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) sorted.dns.push_back(View(name->d.dNSName));
    if (name->type != GEN_URI) continue;
    const absl::string_view uri = View(name->d.uniformResourceIdentifier);
    // Without regard to case, so that nobody is `uri:SPIFFE://…` and looks like another.
    const bool spiffe = absl::StartsWithIgnoreCase(uri, kSpiffeScheme);
    (spiffe ? sorted.spiffe_ids : sorted.other_uris).push_back(uri);
  }
  return sorted;
}

bool MaySignOthers(X509* certificate) {
  // Reading these also reads the extensions that the next question is about.
  const std::uint32_t usage = X509_get_key_usage(certificate);
  const bool usage_given = (X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) != 0;
  return (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0 ||
         (usage_given && (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0);
}

}  // namespace

bool IsWorkloadSpiffeId(absl::string_view uri) {
  constexpr absl::string_view kPrefix = "spiffe://";
  if (uri.size() > kMaxCertificateIdBytes || !absl::StartsWith(uri, kPrefix)) return false;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(uri.substr(kPrefix.size()), absl::MaxSplits('/', 1));
  if (parts.size() != 2) return false;
  const absl::string_view domain = parts[0];
  if (domain.empty() || domain.size() > kMaxTrustDomainBytes) return false;
  if (!std::all_of(domain.begin(), domain.end(), [](unsigned char c) {
        return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '.' || c == '_';
      })) {
    return false;
  }
  for (const absl::string_view segment : absl::StrSplit(parts[1], '/')) {
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (!std::all_of(segment.begin(), segment.end(), [](unsigned char c) {
          return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
        })) {
      return false;
    }
  }
  return true;
}

Expected<std::string, CertificateRefusal> ReadCertificateIdentity(const X509& certificate) {
  int found = 0;  // -1: there is no such extension; -2: more than one.
  const std::unique_ptr<GENERAL_NAMES, FreeNames> extension(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, &found, nullptr)));
  if (extension == nullptr) {
    return found == -1 ? CertificateRefusal::kNoIdentity : CertificateRefusal::kMalformed;
  }
  // OpenSSL reads extensions where it is first asked, behind a lock of the certificate's own.
  if (MaySignOthers(const_cast<X509*>(&certificate))) return CertificateRefusal::kMaySignOthers;

  const Names names = Sort(extension.get());
  if (!names.spiffe_ids.empty()) {
    if (names.spiffe_ids.size() + names.other_uris.size() > 1) return CertificateRefusal::kManyIds;
    if (!IsWorkloadSpiffeId(names.spiffe_ids[0])) return CertificateRefusal::kSpiffeId;
    return std::string(names.spiffe_ids[0]);
  }
  if (!names.other_uris.empty()) {
    const absl::string_view uri = names.other_uris[0];
    if (uri.size() > kMaxCertificateIdBytes || !IsUri(uri)) return CertificateRefusal::kMalformed;
    return absl::StrCat("uri:", uri);
  }
  if (names.dns.empty()) return CertificateRefusal::kNoIdentity;
  const std::string host = absl::AsciiStrToLower(names.dns[0]);
  if (!IsHostName(host)) return CertificateRefusal::kMalformed;
  return absl::StrCat("dns:", host);
}

}  // namespace tokensvc
