// SPDX-License-Identifier: Apache-2.0
#include "service/config/file_checks.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/key_ring.h"
#include "base/token_fingerprinter.h"
#include "service/config/managed_identity_config.h"
#include "service/config/read_file.h"
#include "service/config/secret_reference.h"
#include "service/jose/jwk_set.h"
#include "service/jose/unverified_jwt.h"

namespace tokensvc {
namespace {

// A bundle of all public certificate authorities is about 250 KiB.
constexpr std::size_t kMaxPemBytes = 1 << 20;
constexpr std::size_t kMaxAssertionBytes = std::size_t{64} << 10;

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

// OpenSSL would ask for a passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

BioPtr MemoryBio(const Secret& bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.Reveal().data(), static_cast<int>(bytes.size())));
}

X509Ptr ReadCertificate(BIO* bio) {
  return X509Ptr(PEM_read_bio_X509(bio, nullptr, NoPassphrase, nullptr));
}

absl::StatusOr<X509Ptr> ReadLeaf(const std::string& path) {
  const absl::StatusOr<Secret> pem = ReadRegularFile(path, kMaxPemBytes, FileAccess::kPublic);
  if (!pem.ok()) return pem.status();
  X509Ptr leaf = ReadCertificate(MemoryBio(*pem).get());
  ERR_clear_error();
  if (leaf == nullptr) {
    return absl::FailedPreconditionError("the file holds no certificate that can be read (PEM)");
  }
  return leaf;
}

absl::StatusOr<KeyPtr> ReadKey(const std::string& path) {
  const absl::StatusOr<Secret> pem = ReadRegularFile(path, kMaxPemBytes, FileAccess::kPrivate);
  if (!pem.ok()) return pem.status();
  KeyPtr key(PEM_read_bio_PrivateKey(MemoryBio(*pem).get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrContains(pem->Reveal(), "ENCRYPTED")
            ? "the private key is encrypted: store it without a passphrase"
            : "the file holds no private key that can be read (PEM)");
  }
  return key;
}

absl::Status CheckUse(const EVP_PKEY& key, KeyUse use) {
  if (use == KeyUse::kRsa) {
    if (EVP_PKEY_get_base_id(&key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(&key) < 2048) {
      return absl::FailedPreconditionError(
          "the algorithm needs an RSA key of at least 2048 bits (for a key on P-256 write "
          "algorithm: "
          "ES256)");
    }
  }
  if (use == KeyUse::kP256) {
    char group[32] = "";
    const bool named = EVP_PKEY_get_group_name(&key, group, sizeof(group), nullptr) == 1;
    if (!named || absl::string_view(group) != "prime256v1") {
      return absl::FailedPreconditionError(
          "the algorithm needs a key on P-256 (for an RSA key write algorithm: PS256)");
    }
  }
  return absl::OkStatus();
}

// Reports what files hold at the keys that name them.
class FileChecker {
 public:
  FileChecker(const ConfigLocations& locations, ConfigErrorCollector* errors)
      : locations_(locations), errors_(errors) {}

  void CheckPair(const std::string& path, const std::string& certificate_file,
                 const std::string& private_key_file, KeyUse use) {
    if (errors_->Covers(path)) return;
    const KeyPairStatus status = CheckKeyPair(certificate_file, private_key_file, use);
    Report(path + ".certificate_file", status.certificate);
    Report(path + ".private_key_file", status.private_key);
  }
  void CheckCa(const std::string& path, const std::string& ca_file) {
    if (!ca_file.empty() && !errors_->Covers(path)) Report(path, CheckCaFile(ca_file));
  }
  void CheckKeyRing(const std::string& path, const std::string& file, KeyPurpose purpose) {
    if (file.empty() || errors_->Covers(path)) return;
    const absl::StatusOr<KeyRing> ring = KeyRing::ReadFile(file);
    Report(path, ring.status());
    if (ring.ok() && ring->purpose() != purpose) {
      Report(path, absl::FailedPreconditionError(
                       absl::StrCat("holds ", KeyPurposeName(ring->purpose()), " keys, and ",
                                    KeyPurposeName(purpose), " keys are needed here")));
    }
  }
  void CheckSecret(const std::string& path, const std::string& reference,
                   std::size_t least_bytes = 1) {
    if (errors_->Covers(path)) return;
    const absl::StatusOr<Secret> secret = ReadSecret(reference);
    Report(path, secret.status());
    if (secret.ok() && secret->size() < least_bytes) {
      Report(path, absl::FailedPreconditionError(
                       absl::StrCat("must be at least ", least_bytes, " bytes long")));
    }
  }
  void CheckManagedIdentity(const std::string& path, const config::v1::ManagedIdentity& identity) {
    if (errors_->Covers(path)) return;
    Report(path + ".endpoint", ManagedIdentityEndpoint(identity).status());
    if (identity.source() != config::v1::MANAGED_IDENTITY_SOURCE_APP_SERVICE) return;
    Report(path + ".identity_header", CheckIdentityHeader(identity));
  }
  void CheckJwkSet(const std::string& path, const std::string& file) {
    if (file.empty() || errors_->Covers(path)) return;
    const absl::StatusOr<Secret> text =
        ReadRegularFile(file, JwkSet::kMaxBytes, FileAccess::kPublic);
    Report(path, text.ok() ? JwkSet::Parse(text->Reveal()).status() : text.status());
  }
  void CheckAssertion(const std::string& path, const std::string& file) {
    if (!errors_->Covers(path)) Report(path, CheckAssertionFile(file));
  }

 private:
  void Report(const std::string& path, const absl::Status& status) {
    if (!status.ok()) errors_->Add(path, locations_.Find(path), std::string(status.message()));
  }

  const ConfigLocations& locations_;
  ConfigErrorCollector* errors_;
};

void CheckRedis(const config::v1::RedisCache& redis, FileChecker& checker) {
  const std::string path = "cache.redis";
  checker.CheckCa(path + ".tls.ca_file", redis.tls().ca_file());
  if (!redis.tls().certificate_file().empty() && !redis.tls().private_key_file().empty()) {
    checker.CheckPair(path + ".tls", redis.tls().certificate_file(), redis.tls().private_key_file(),
                      KeyUse::kAny);
  }
  if (!redis.password().empty()) checker.CheckSecret(path + ".password", redis.password());
  checker.CheckKeyRing(path + ".sealing_keys_file", redis.sealing_keys_file(),
                       KeyPurpose::kSealing);
  checker.CheckKeyRing(path + ".index_keys_file", redis.index_keys_file(), KeyPurpose::kIndex);
}

}  // namespace

KeyPairStatus CheckKeyPair(const std::string& certificate_file, const std::string& private_key_file,
                           KeyUse use) {
  const absl::StatusOr<X509Ptr> certificate = ReadLeaf(certificate_file);
  const absl::StatusOr<KeyPtr> key = ReadKey(private_key_file);
  KeyPairStatus status{certificate.status(), key.status()};
  if (key.ok()) status.private_key = CheckUse(**key, use);
  if (status.certificate.ok() && status.private_key.ok() &&
      X509_check_private_key(certificate->get(), key->get()) != 1) {
    status.private_key = absl::FailedPreconditionError(
        "the private key does not belong to the first certificate in certificate_file");
  }
  ERR_clear_error();
  return status;
}

absl::Status CheckCaFile(const std::string& ca_file) {
  const absl::StatusOr<Secret> pem = ReadRegularFile(ca_file, kMaxPemBytes, FileAccess::kPublic);
  if (!pem.ok()) return pem.status();
  const BioPtr bio = MemoryBio(*pem);
  int count = 0;
  while (ReadCertificate(bio.get()) != nullptr) ++count;
  // Reading ends either where no further PEM block starts, or at one that is broken.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (count == 0 || !at_end) {
    return absl::FailedPreconditionError(
        "the file must hold certificates that can be read (PEM), and nothing broken");
  }
  return absl::OkStatus();
}

absl::Status CheckAssertionFile(const std::string& path) {
  const absl::StatusOr<Secret> content =
      ReadRegularFile(path, kMaxAssertionBytes, FileAccess::kPrivate);
  if (!content.ok()) return content.status();
  return ReadUnverifiedJwt(absl::StripAsciiWhitespace(content->Reveal())).status();
}

void CheckFiles(const config::v1::ServiceConfig& config, const ConfigLocations& locations,
                ConfigErrorCollector* errors) {
  FileChecker checker(locations, errors);
  for (int i = 0; i < config.listeners_size(); ++i) {
    const config::v1::Listener& listener = config.listeners(i);
    if (!listener.has_tls()) continue;
    checker.CheckPair(absl::StrCat("listeners[", i, "].tls"), listener.tls().certificate_file(),
                      listener.tls().private_key_file(), KeyUse::kAny);
    checker.CheckCa(absl::StrCat("listeners[", i, "].tls.client_ca_file"),
                    listener.tls().client_ca_file());
  }
  for (int i = 0; i < config.jwt_issuers_size(); ++i) {
    const std::string path = absl::StrCat("jwt_issuers[", i, "]");
    checker.CheckCa(path + ".ca_file", config.jwt_issuers(i).ca_file());
    checker.CheckJwkSet(path + ".jwks_file", config.jwt_issuers(i).jwks_file());
  }
  for (int i = 0; i < config.authorities_size(); ++i) {
    checker.CheckCa(absl::StrCat("authorities[", i, "].ca_file"), config.authorities(i).ca_file());
    if (config.authorities(i).has_managed_identity()) {
      checker.CheckManagedIdentity(absl::StrCat("authorities[", i, "].managed_identity"),
                                   config.authorities(i).managed_identity());
    }
  }
  if (!config.audit().fingerprint_key().empty()) {
    checker.CheckSecret("audit.fingerprint_key", config.audit().fingerprint_key(),
                        TokenFingerprinter::kMinKeyBytes);
  }
  if (config.cache().has_redis()) CheckRedis(config.cache().redis(), checker);
  for (int i = 0; i < config.registrations_size(); ++i) {
    const config::v1::Registration& registration = config.registrations(i);
    for (int j = 0; j < registration.credentials_size(); ++j) {
      const config::v1::Credential& credential = registration.credentials(j);
      const std::string path = absl::StrCat("registrations[", i, "].credentials[", j, "]");
      if (credential.has_secret()) {
        checker.CheckSecret(path + ".secret.value", credential.secret().value());
      } else if (credential.has_assertion_file()) {
        checker.CheckAssertion(path + ".assertion_file.path", credential.assertion_file().path());
      } else if (credential.has_managed_identity()) {
        checker.CheckManagedIdentity(path + ".managed_identity", credential.managed_identity());
      } else if (credential.has_mutual_tls()) {
        checker.CheckPair(path + ".mutual_tls", credential.mutual_tls().certificate_file(),
                          credential.mutual_tls().private_key_file(), KeyUse::kAny);
      } else if (credential.has_certificate()) {
        const config::v1::CertificateCredential& certificate = credential.certificate();
        const bool es256 = certificate.algorithm() == config::v1::SIGNING_ALGORITHM_ES256;
        checker.CheckPair(path + ".certificate", certificate.certificate_file(),
                          certificate.private_key_file(), es256 ? KeyUse::kP256 : KeyUse::kRsa);
      }
    }
  }
}

}  // namespace tokensvc
