// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_FILE_CHECKS_H_
#define TOKENSVC_SERVICE_CONFIG_FILE_CHECKS_H_

#include <string>

#include "absl/status/status.h"
#include "service/config/config_error.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// What a private key is to be used for, which decides what kind of key it must be.
enum class KeyUse {
  kAny,   ///< A TLS server's or client's.
  kRsa,   ///< PS256 and RS256: RSA of at least 2,048 bits (RFC 7518 §3.3, §3.5).
  kP256,  ///< ES256: on P-256 (RFC 7518 §3.4).
};

/// What is wrong with a certificate file and what with its key file; both OK where they fit
/// together.
struct KeyPairStatus {
  absl::Status certificate;
  absl::Status private_key;
};

/// Reads both files (PEM) and compares them. The messages show neither path nor content. An expired
/// certificate passes: one of many registrations must not keep the service from starting.
KeyPairStatus CheckKeyPair(const std::string& certificate_file, const std::string& private_key_file,
                           KeyUse use);

/// Whether the file holds at least one certificate, and nothing that cannot be read as one (PEM).
absl::Status CheckCaFile(const std::string& ca_file);

/// Whether the file, of at most 64 KiB and not readable by everyone, holds one JWT. An expired one
/// passes, as a certificate does. The message shows neither path nor content.
absl::Status CheckAssertionFile(const std::string& path);

/// Checks every file and secret that `config` names and where no error was found yet. Reads files
/// with blocking calls.
void CheckFiles(const config::v1::ServiceConfig& config, const ConfigLocations& locations,
                ConfigErrorCollector* errors);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_FILE_CHECKS_H_
