// SPDX-License-Identifier: Apache-2.0
#include "service/config/address.h"

#include <gtest/gtest.h>

namespace tokensvc {
namespace {

TEST(ConfigAddress, ReadsAddressesAndPorts) {
  EXPECT_EQ(ParseHostPort("127.0.0.1:7443")->host, "127.0.0.1");
  EXPECT_EQ(ParseHostPort("127.0.0.1:7443")->port, 7443);
  EXPECT_EQ(ParseHostPort("[::1]:0")->host, "::1");
  EXPECT_EQ(ParseHostPort("localhost:65535")->port, 65535);
  for (const char* text :
       {"", "127.0.0.1", "127.0.0.1:", ":7443", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:07",
        "::1:7443", "[::1]", "[::1]7443", "[::1:7443", "[127.0.0.1]:1", "example.com:7443",
        "127.1:7443", "0x7f000001:1", "127.0.0.1:1:2", "unix:/tmp/x"}) {
    EXPECT_FALSE(ParseHostPort(text).has_value()) << text;
  }
}

TEST(ConfigAddress, AcceptsHttpsUrlsAndHttpOnLoopbackOnly) {
  for (const char* url :
       {"https://login.example.com", "https://login.example.com/",
        "https://login.example.com:8443/a/b", "https://10.0.0.1", "https://[2001:db8::1]:8443/x",
        "http://127.0.0.1:8080", "http://[::1]", "http://localhost:1/x"}) {
    EXPECT_EQ(ProblemOfAuthorityUrl(url), "") << url;
  }
  for (const char* url : {"",
                          "login.example.com",
                          "ftp://a.example",
                          "HTTPS://a.example",
                          "https://",
                          "https:///x",
                          "http://login.example.com",
                          "http://127.0.0.1.example.com",
                          "http://127.0.0.1@evil.example",
                          "https://user:pw@a.example",
                          "https://a.example?x",
                          "https://a.example/#x",
                          "https://a.example:0",
                          "https://a.example:99999",
                          "https://a.example:",
                          "https://a.example/../x",
                          "https://a.example/./x",
                          "https://a example",
                          "https://a.example\\x",
                          "https://-a.example",
                          "https://a..example",
                          "https://127.1",
                          "https://\xC3\xA4.example",
                          "http://0.0.0.0"}) {
    EXPECT_NE(ProblemOfAuthorityUrl(url), "") << url;
  }
}

TEST(ConfigAddress, ThePlatformsUrlIsOnThisMachine) {
  for (const char* url :
       {"http://169.254.169.254/metadata/identity/oauth2/token", "http://127.0.0.1:40342/a",
        "http://localhost:42356/msi/token/", "http://[::1]:1/", "http://169.254.129.4:8081"}) {
    EXPECT_EQ(ProblemOfPlatformUrl(url), "") << url;
  }
  for (const char* url :
       {"", "169.254.169.254", "https://127.0.0.1/", "http://10.0.0.1/", "http://imds.example/",
        "http://169.254.169.254.example/", "http://169.254.169.254@evil.example/",
        "http://evil.example#169.254.169.254", "http://127.0.0.1/?resource=a",
        "http://127.0.0.1/../a", "http://0xa9fea9fe/", "http://2852039166/", "http://[fe80::1]/",
        "http://[::ffff:127.0.0.1]/", "http://169.254.169.254:0/", "http:///token",
        "http://127.0.0.1\\@evil.example/"}) {
    EXPECT_NE(ProblemOfPlatformUrl(url), "") << url;
  }
}

}  // namespace
}  // namespace tokensvc
