// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <openssl/rand.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "absl/strings/string_view.h"

namespace tokensvc {
namespace {

std::string FormatUuid(std::array<unsigned char, 16> bytes) {
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  static constexpr char kHex[] = "0123456789abcdef";
  // Every call that brings no correlation id gets one.
  std::string out(36, '-');
  char* next = out.data();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++next;
    *next++ = kHex[bytes[i] >> 4];
    *next++ = kHex[bytes[i] & 0x0f];
  }
  return out;
}

/// splitmix64: good enough for names that only have to differ.
class FastGenerator {
 public:
  FastGenerator() {
    SystemRandom().Fill(reinterpret_cast<unsigned char*>(&state_), sizeof(state_));
  }
  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace

double RandomGenerator::Uniform() {
  std::uint64_t bits = 0;
  Fill(reinterpret_cast<unsigned char*>(&bits), sizeof(bits));
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

void SystemRandom::Fill(unsigned char* out, std::size_t size) {
  // Without randomness nothing here is safe; there is nothing to fall back to.
  if (RAND_bytes(out, static_cast<int>(size)) != 1) std::abort();
}

std::string MakeUuid(RandomGenerator& random) {
  std::array<unsigned char, 16> bytes;
  random.Fill(bytes.data(), bytes.size());
  return FormatUuid(bytes);
}

std::string MakeCorrelationId() {
  thread_local FastGenerator generator;
  std::array<unsigned char, 16> bytes;
  const std::uint64_t words[2] = {generator.Next(), generator.Next()};
  std::memcpy(bytes.data(), words, sizeof(words));
  return FormatUuid(bytes);
}

}  // namespace tokensvc
