// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_RANDOM_H_
#define TOKENSVC_BASE_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace tokensvc {

/// Where random bytes come from. Thread-safe.
class RandomGenerator {
 public:
  virtual ~RandomGenerator() = default;
  /// Fills `out` with `size` bytes that nobody can predict.
  virtual void Fill(unsigned char* out, std::size_t size) = 0;

  /// A number that is uniform in [0, 1).
  double Uniform();
};

/// OpenSSL's generator, seeded by the kernel.
class SystemRandom final : public RandomGenerator {
 public:
  void Fill(unsigned char* out, std::size_t size) override;
};

/// A random UUID (RFC 4122 version 4) in the usual 36 characters, for `jti`.
std::string MakeUuid(RandomGenerator& random);

/// A UUID-shaped correlation id from a fast generator of the calling thread: unique, not secret.
std::string MakeCorrelationId();

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_RANDOM_H_
