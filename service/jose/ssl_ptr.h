// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_JOSE_SSL_PTR_H_
#define TOKENSVC_SERVICE_JOSE_SSL_PTR_H_

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <memory>

#include "absl/strings/string_view.h"

namespace tokensvc {

/// Frees OpenSSL's objects, each by its own function.
struct SslDeleter {
  void operator()(BIO* p) const { BIO_free_all(p); }
  void operator()(BIGNUM* p) const { BN_clear_free(p); }
  void operator()(ECDSA_SIG* p) const { ECDSA_SIG_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
};

/// Owns one OpenSSL object.
template <class T>
using SslPtr = std::unique_ptr<T, SslDeleter>;

/// Drops what OpenSSL adds to the thread's error queue during a scope. The queue is shared with TLS
/// on the same thread, which takes a stale entry for an error of its own; and entries may quote the
/// input.
class SslErrorScope {
 public:
  SslErrorScope() { ERR_set_mark(); }
  ~SslErrorScope() { ERR_pop_to_mark(); }
  SslErrorScope(const SslErrorScope&) = delete;
  SslErrorScope& operator=(const SslErrorScope&) = delete;
};

/// A read-only BIO over `bytes`, without a copy: they must outlive it. Null when memory is short.
inline SslPtr<BIO> ReadOnlyBio(absl::string_view bytes) {
  // An empty view may have no address at all, which OpenSSL takes for an error.
  const void* start = bytes.empty() ? "" : bytes.data();
  return SslPtr<BIO>(BIO_new_mem_buf(start, static_cast<int>(bytes.size())));
}

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_JOSE_SSL_PTR_H_
