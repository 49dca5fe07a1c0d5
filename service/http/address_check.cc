// SPDX-License-Identifier: Apache-2.0
#include "service/http/address_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace tokensvc {
namespace {

struct Range4 {
  std::uint32_t network;
  int bits;
};

constexpr std::uint32_t V4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

constexpr Range4 kSpecial4[] = {
    {V4(0, 0, 0, 0), 8},      // "this network" (RFC 791)
    {V4(10, 0, 0, 0), 8},     // private (RFC 1918)
    {V4(100, 64, 0, 0), 10},  // shared, CGNAT (RFC 6598)
    {V4(127, 0, 0, 0), 8},    // loopback
    {V4(168, 63, 129, 16),
     32},  // Azure's host agent: public by number, answers to virtual machines only
    {V4(169, 254, 0, 0), 16},   // link-local, with the metadata services of clouds
    {V4(172, 16, 0, 0), 12},    // private
    {V4(192, 0, 0, 0), 24},     // protocol assignments (RFC 6890)
    {V4(192, 0, 2, 0), 24},     // documentation (RFC 5737)
    {V4(192, 88, 99, 0), 24},   // 6to4 relays (RFC 7526)
    {V4(192, 168, 0, 0), 16},   // private
    {V4(198, 18, 0, 0), 15},    // benchmarking (RFC 2544)
    {V4(198, 51, 100, 0), 24},  // documentation
    {V4(203, 0, 113, 0), 24},   // documentation
    {V4(224, 0, 0, 0), 3},      // multicast, reserved, broadcast
};

bool IsPublic4(std::uint32_t address) {
  for (const Range4& range : kSpecial4) {
    if ((address ^ range.network) >> (32 - range.bits) == 0) return false;
  }
  return true;
}

struct Range6 {
  std::uint8_t network[16];
  int bits;
};

constexpr Range6 kGlobalUnicast6 = {{0x20}, 3};  // 2000::/3 (RFC 4291 §2.4): all else is special
constexpr Range6 kNat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};
constexpr Range6 kSpecial6[] = {
    {{0x20, 0x01, 0x00}, 23},        // protocol assignments, with Teredo (RFC 2928)
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation (RFC 3849)
    {{0x20, 0x02}, 16},              // 6to4: carries any IPv4 address
    {{0x3f, 0xff, 0x00}, 20},        // documentation (RFC 9637)
};

bool Contains(const Range6& range, const std::uint8_t* address) {
  const std::size_t whole = static_cast<std::size_t>(range.bits / 8);
  if (std::memcmp(range.network, address, whole) != 0) return false;
  const int rest = range.bits % 8;
  return rest == 0 || (range.network[whole] ^ address[whole]) >> (8 - rest) == 0;
}

bool IsPublic6(const std::uint8_t* address) {
  if (Contains(kNat64, address)) {
    return IsPublic4(V4(address[12], address[13], address[14], address[15]));
  }
  if (!Contains(kGlobalUnicast6, address)) return false;
  for (const Range6& range : kSpecial6) {
    if (Contains(range, address)) return false;
  }
  return true;
}

// The bytes of a sockaddr are copied out rather than looked at through a cast: its alignment is
// unknown.
template <class Address>
Address As(const sockaddr& address) {
  Address result;
  std::memcpy(&result, &address, sizeof(result));
  return result;
}

}  // namespace

bool IsPublicAddress(const sockaddr& address) {
  if (address.sa_family == AF_INET)
    return IsPublic4(ntohl(As<sockaddr_in>(address).sin_addr.s_addr));
  if (address.sa_family == AF_INET6) return IsPublic6(As<sockaddr_in6>(address).sin6_addr.s6_addr);
  return false;
}

bool IsLoopbackAddress(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return ntohl(As<sockaddr_in>(address).sin_addr.s_addr) >> 24 == 127;
  }
  if (address.sa_family != AF_INET6) return false;
  const in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
  const sockaddr_in6 v6 = As<sockaddr_in6>(address);
  return std::memcmp(&v6.sin6_addr, &loopback, sizeof(loopback)) == 0;
}

bool IsLinkLocalAddress(const sockaddr& address) {
  return address.sa_family == AF_INET &&
         ntohl(As<sockaddr_in>(address).sin_addr.s_addr) >> 16 == V4(0, 0, 169, 254);
}

}  // namespace tokensvc
