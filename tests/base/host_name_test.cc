// SPDX-License-Identifier: Apache-2.0
#include "base/host_name.h"

#include <string>

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

TEST(HostNameTest, KnowsLoopbackWithoutAskingAResolver) {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.255.0.3", "::1", "[::1]",
                           "[0:0:0:0:0:0:0:1]"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
  for (const char* host :
       {"", "0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "127.1", "[::1", "::2", "[]",
        "localhost.example", "127.0.0.1.example", "::127.0.0.1", "[::ffff:127.0.0.1]"}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

TEST(HostNameTest, KnowsLinkLocalAddressesByTheirUsualNotationOnly) {
  EXPECT_TRUE(IsLinkLocalHost("169.254.169.254"));
  for (const char* host : {"", "localhost", "169.254.1", "169.255.0.1", "0xa9fea9fe", "2852039166",
                           "[fe80::1]", "169.254.169.254.example", "::ffff:169.254.169.254"}) {
    EXPECT_FALSE(IsLinkLocalHost(host)) << host;
  }
}

TEST(HostNameTest, TakesDnsNamesAndNothingThatAResolverReadsAsAnAddress) {
  for (const char* name : {"localhost", "login.example.com", "xn--bcher-kva.example", "a-b.c1"}) {
    EXPECT_TRUE(IsHostName(name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("-a.example"), std::string("a-.example"), std::string("a..b"),
        std::string("a_b.example"), std::string("127.0.0.1"), std::string("a.1"),
        std::string("0x7f000001"), std::string("evil.example/"), std::string(64, 'a'),
        std::string(300, 'a')}) {
    EXPECT_FALSE(IsHostName(name)) << name;
  }
}

}  // namespace
}  // namespace tokensvc
