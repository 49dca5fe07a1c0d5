// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_CERTIFICATE_IDENTITY_H_
#define TOKENSVC_SERVICE_ACCESS_CERTIFICATE_IDENTITY_H_

#include <openssl/x509.h>

#include <string>

#include "absl/strings/string_view.h"
#include "base/expected.h"
#include "service/access/certificate_refusal.h"

namespace tokensvc {

/// URIs and SPIFFE ids are at most this long (SPIFFE-ID §2.3).
inline constexpr std::size_t kMaxCertificateIdBytes = 2048;

/// Whether `uri` is the SPIFFE id of a workload: `spiffe://`, a trust domain, and a path that is
/// not empty (SPIFFE-ID §2; X.509-SVID §4.1).
bool IsWorkloadSpiffeId(absl::string_view uri);

/// The caller's id (see `Caller::id`) that the subject alternative names of `certificate` give: the
/// SPIFFE id, else the first URI, else the first DNS name. The subject's common name counts for
/// nothing (RFC 9525 §2). Whether the certificate is to be trusted is another question.
Expected<std::string, CertificateRefusal> ReadCertificateIdentity(const X509& certificate);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_CERTIFICATE_IDENTITY_H_
