// SPDX-License-Identifier: Apache-2.0
#include "service/http/address_check.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <string>

namespace tokensvc {
namespace {

sockaddr_storage Parse(const std::string& text) {
  sockaddr_storage result{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    std::memcpy(&result, &v4, sizeof(v4));
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    std::memcpy(&result, &v6, sizeof(v6));
  }
  return result;
}

bool IsPublic(const std::string& text) {
  const sockaddr_storage address = Parse(text);
  return IsPublicAddress(reinterpret_cast<const sockaddr&>(address));
}

bool IsLoopback(const std::string& text) {
  const sockaddr_storage address = Parse(text);
  return IsLoopbackAddress(reinterpret_cast<const sockaddr&>(address));
}

bool IsLinkLocal(const std::string& text) {
  const sockaddr_storage address = Parse(text);
  return IsLinkLocalAddress(reinterpret_cast<const sockaddr&>(address));
}

TEST(AddressCheck, RefusesSpecialIpv4AddressesToTheEdgesOfTheirRanges) {
  for (const char* text :
       {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",        "10.255.255.255",
        "100.64.0.0",      "100.127.255.255", "127.0.0.1",       "127.255.255.255",
        "168.63.129.16",   "169.254.0.0",     "169.254.169.254", "169.254.255.255",
        "172.16.0.0",      "172.31.255.255",  "192.0.0.1",       "192.0.2.1",
        "192.88.99.1",     "192.168.0.0",     "192.168.255.255", "198.18.0.0",
        "198.19.255.255",  "198.51.100.7",    "203.0.113.7",     "224.0.0.1",
        "239.255.255.255", "240.0.0.1",       "255.255.255.255"}) {
    EXPECT_FALSE(IsPublic(text)) << text;
  }
}

TEST(AddressCheck, AllowsTheNeighboursOfSpecialIpv4Ranges) {
  for (const char* text :
       {"1.0.0.0",         "9.255.255.255",  "11.0.0.0",       "100.63.255.255", "100.128.0.0",
        "126.255.255.255", "128.0.0.0",      "168.63.129.15",  "168.63.129.17",  "169.253.255.255",
        "169.255.0.0",     "172.15.255.255", "172.32.0.0",     "192.0.1.0",      "192.0.3.0",
        "192.167.255.255", "192.169.0.0",    "198.17.255.255", "198.20.0.0",     "203.0.112.255",
        "203.0.114.0",     "223.255.255.255"}) {
    EXPECT_TRUE(IsPublic(text)) << text;
  }
}

TEST(AddressCheck, RefusesSpecialIpv6Addresses) {
  for (const char* text : {"::",
                           "::1",
                           "::7f00:1",
                           "::ffff:127.0.0.1",
                           "::ffff:8.8.8.8",
                           "64:ff9b:1::8.8.8.8",
                           "100::1",
                           "2001::1",
                           "2001:1ff:ffff::1",
                           "2001:db8::1",
                           "2002:7f00:1::1",
                           "3fff::1",
                           "3fff:fff:ffff::1",
                           "4000::1",
                           "5f00::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "fe80::1",
                           "febf::1",
                           "fec0::1",
                           "ff02::1"}) {
    EXPECT_FALSE(IsPublic(text)) << text;
  }
}

TEST(AddressCheck, AllowsGlobalUnicastIpv6Addresses) {
  for (const char* text : {"2001:200::1", "2001:4860:4860::8888", "2600::1", "2a00::1", "3ffe::1",
                           "3fff:1000::1", "2003::1", "2001:db9::1"}) {
    EXPECT_TRUE(IsPublic(text)) << text;
  }
}

TEST(AddressCheck, JudgesNat64ByTheAddressItCarries) {
  EXPECT_TRUE(IsPublic("64:ff9b::8.8.8.8"));
  EXPECT_FALSE(IsPublic("64:ff9b::127.0.0.1"));
  EXPECT_FALSE(IsPublic("64:ff9b::169.254.169.254"));
}

TEST(AddressCheck, RefusesOtherFamilies) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT_FALSE(IsPublicAddress(reinterpret_cast<const sockaddr&>(address)));
  EXPECT_FALSE(IsLoopbackAddress(reinterpret_cast<const sockaddr&>(address)));
}

TEST(AddressCheck, KnowsLoopbackAddresses) {
  for (const char* text : {"127.0.0.1", "127.255.0.3", "::1"})
    EXPECT_TRUE(IsLoopback(text)) << text;
  for (const char* text : {"126.0.0.1", "128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:127.0.0.1"}) {
    EXPECT_FALSE(IsLoopback(text)) << text;
  }
}

TEST(AddressCheck, KnowsLinkLocalAddresses) {
  for (const char* text : {"169.254.0.0", "169.254.169.254", "169.254.255.255"}) {
    EXPECT_TRUE(IsLinkLocal(text)) << text;
  }
  for (const char* text : {"169.253.255.255", "169.255.0.0", "127.0.0.1", "fe80::1",
                           "::ffff:169.254.169.254", "8.8.8.8"}) {
    EXPECT_FALSE(IsLinkLocal(text)) << text;
  }
}

}  // namespace
}  // namespace tokensvc
