// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_CERTIFICATE_REFUSAL_H_
#define TOKENSVC_SERVICE_ACCESS_CERTIFICATE_REFUSAL_H_

#include <array>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// Why a client certificate names no caller: for metrics and logs. Whoever showed it learns only
/// that it does not.
enum class CertificateRefusal {
  kMalformed,     ///< It cannot be read, or holds a name that is none.
  kExpired,       ///< Its time is over, or that of a certificate above it.
  kNotYetValid,   ///< Its time is to come, or that of a certificate above it.
  kUntrusted,     ///< Nobody whom the listener trusts now signed it, or not for clients.
  kNoIdentity,    ///< It has neither a URI nor a DNS name.
  kManyIds,       ///< It has a SPIFFE id and another URI (X.509-SVID §2).
  kSpiffeId,      ///< Its SPIFFE id breaks that standard's grammar, or names no workload.
  kMaySignOthers  ///< It belongs to a certification authority (X.509-SVID §4.1, §4.3).
};

/// All of them, for making metrics.
inline constexpr std::array kAllCertificateRefusals = {
    CertificateRefusal::kMalformed,   CertificateRefusal::kExpired,
    CertificateRefusal::kNotYetValid, CertificateRefusal::kUntrusted,
    CertificateRefusal::kNoIdentity,  CertificateRefusal::kManyIds,
    CertificateRefusal::kSpiffeId,    CertificateRefusal::kMaySignOthers};

/// A stable name, for example `not_yet_valid`.
constexpr absl::string_view CertificateRefusalName(CertificateRefusal refusal) {
  switch (refusal) {
    case CertificateRefusal::kMalformed:
      return "malformed";
    case CertificateRefusal::kExpired:
      return "expired";
    case CertificateRefusal::kNotYetValid:
      return "not_yet_valid";
    case CertificateRefusal::kUntrusted:
      return "untrusted";
    case CertificateRefusal::kNoIdentity:
      return "no_identity";
    case CertificateRefusal::kManyIds:
      return "many_ids";
    case CertificateRefusal::kSpiffeId:
      return "spiffe_id";
    case CertificateRefusal::kMaySignOthers:
      return "may_sign_others";
  }
  return "";
}

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_CERTIFICATE_REFUSAL_H_
