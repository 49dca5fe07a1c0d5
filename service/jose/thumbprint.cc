// SPDX-License-Identifier: Apache-2.0
#include "service/jose/thumbprint.h"

#include <openssl/evp.h>

#include <array>
#include <cstdlib>

namespace tokensvc {
namespace {

std::string Digest(const EVP_MD* algorithm, absl::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned int size = 0;
  // Fails only when memory is short or the algorithm is switched off: nothing here works then.
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, algorithm, nullptr) != 1) {
    std::abort();
  }
  return std::string(reinterpret_cast<const char*>(out.data()), size);
}

}  // namespace

std::string Sha256(absl::string_view bytes) { return Digest(EVP_sha256(), bytes); }

std::string X5t(absl::string_view der) { return Base64Url(Digest(EVP_sha1(), der)); }

std::string X5tS256(absl::string_view der) { return Base64Url(Sha256(der)); }

}  // namespace tokensvc
