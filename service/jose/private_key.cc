// SPDX-License-Identifier: Apache-2.0
#include "service/jose/private_key.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include <array>
#include <limits>
#include <utility>

#include "service/jose/ssl_ptr.h"

namespace tokensvc {
namespace {

// NIST SP 800-131A asks for 2048 bits. The upper bound keeps a signature below some 10 ms.
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;

// Asked for a pass phrase only when the key is encrypted; notes that, and gives none.
int NoteEncrypted(char* /*buffer*/, int /*size*/, int /*writing*/, void* encrypted) {
  *static_cast<bool*>(encrypted) = true;
  return -1;
}

bool IsOnP256(EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  return EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1 &&
         absl::string_view(name.data(), size) == "prime256v1";
}

}  // namespace

absl::StatusOr<PrivateKey> PrivateKey::FromPem(const Secret& pem) {
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return absl::InvalidArgumentError("private key: too large");
  }
  const SslErrorScope errors;
  const SslPtr<BIO> bio = ReadOnlyBio(pem.Reveal());
  bool encrypted = false;
  std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoteEncrypted, &encrypted), SslDeleter());
  if (encrypted) {
    return absl::InvalidArgumentError(
        "private key: it is encrypted; give an unencrypted key in a file that only the service can "
        "read");
  }
  if (key == nullptr) {
    return absl::InvalidArgumentError("private key: no readable private key in PEM form");
  }
  switch (EVP_PKEY_get_base_id(key.get())) {
    case EVP_PKEY_RSA: {
      const int bits = EVP_PKEY_get_bits(key.get());
      if (bits < kMinRsaBits || bits > kMaxRsaBits) {
        return absl::InvalidArgumentError("private key: an RSA key must have 2048 to 8192 bits");
      }
      return PrivateKey(std::move(key), Type::kRsa);
    }
    case EVP_PKEY_EC:
      if (!IsOnP256(key.get())) {
        return absl::InvalidArgumentError("private key: an EC key must be on the curve P-256");
      }
      return PrivateKey(std::move(key), Type::kEcP256);
    default:
      return absl::InvalidArgumentError("private key: must be an RSA or an EC P-256 key");
  }
}

}  // namespace tokensvc
