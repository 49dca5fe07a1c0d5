// SPDX-License-Identifier: Apache-2.0
#include "service/credential/arc_challenge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "tests/service/credential/credential_fixture.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kDirectory[] = "/var/opt/azcmagent/tokens";

TEST(ArcChallenge, NamesAFileOfTheAgentsDirectory) {
  for (const char* challenge : {"Basic realm=/var/opt/azcmagent/tokens/1b-2.key",
                                "basic  REALM=\"/var/opt/azcmagent/tokens/1b-2.key\"",
                                " Basic realm=/var/opt/azcmagent/tokens/1b-2.key "}) {
    const auto name = ReadArcChallenge(challenge, kDirectory);
    ASSERT_TRUE(name.ok()) << challenge;
    EXPECT_EQ(*name, "1b-2.key");
  }
  EXPECT_TRUE(ReadArcChallenge("Basic realm=/d/a.key", "/d/").ok());
}

TEST(ArcChallenge, IsRefusedWhereItLeadsElsewhere) {
  for (const char* realm : {"",
                            "/",
                            "/etc/shadow",
                            "/etc/canary.key",
                            "a.key",
                            "/var/opt/azcmagent/tokens",
                            "/var/opt/azcmagent/tokens/",
                            "/var/opt/azcmagent/tokens/.key",
                            "/var/opt/azcmagent/tokens/canary.txt",
                            "/var/opt/azcmagent/tokens/a.key/",
                            "/var/opt/azcmagent/tokens/../canary.key",
                            "/var/opt/azcmagent/tokens/..key",
                            "/var/opt/azcmagent/tokens/b/canary.key",
                            "/var/opt/azcmagent/tokens//a.key",
                            "/var/opt/azcmagent/tokens2/a.key",
                            "/var/opt/azcmagent/../azcmagent/tokens/a.key",
                            "/VAR/opt/azcmagent/tokens/a.key",
                            "/var/opt/azcmagent/tokens/a.KEY",
                            "/var/opt/azcmagent/tokens/a\tb.key",
                            "\"/var/opt/azcmagent/tokens/a.key",
                            "/var/opt/azcmagent/tokens/a.key\"",
                            "/var/opt/azcmagent/tokens/a.key, realm=b"}) {
    const auto name = ReadArcChallenge(absl::StrCat("Basic realm=", realm), kDirectory);
    ASSERT_FALSE(name.ok()) << realm;
    EXPECT_THAT(std::string(name.status().message()), Not(HasSubstr("canary"))) << realm;
  }
  EXPECT_FALSE(
      ReadArcChallenge(absl::StrCat("Basic realm=", kDirectory, "/", std::string(200, 'a'), ".key"),
                       kDirectory)
          .ok());
}

TEST(ArcChallenge, IsABasicOneWithARealm) {
  for (const char* challenge :
       {"", "Basic", "Bearer realm=/d/a.key", "Basic charset=UTF-8", "realm=/d/a.key"}) {
    EXPECT_FALSE(ReadArcChallenge(challenge, "/d").ok()) << challenge;
  }
}

using ArcKeyTest = testing::CredentialFixture;

TEST_F(ArcKeyTest, IsTheFilesContent) {
  Write("a.key", "s3cret \r\n");
  const auto key = ReadArcKey(directory_.string(), "a.key");
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->Reveal(), "s3cret");
  Write("b.key", std::string(kMaxArcKeyBytes, 'a'));
  EXPECT_TRUE(ReadArcKey(directory_.string(), "b.key").ok());
}

TEST_F(ArcKeyTest, IsAPlainSmallFileAndNothingElse) {
  const std::string here = directory_.string();
  Write("large.key", std::string(kMaxArcKeyBytes + 1, 'a'));
  EXPECT_EQ(ReadArcKey(here, "large.key").status().code(), absl::StatusCode::kOutOfRange);
  Write("secret", "canary");
  std::filesystem::create_symlink(Path("secret"), Path("link.key"));
  EXPECT_EQ(ReadArcKey(here, "link.key").status().code(), absl::StatusCode::kInvalidArgument);
  std::filesystem::create_directory(Path("folder.key"));
  EXPECT_EQ(ReadArcKey(here, "folder.key").status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(mkfifo(Path("fifo.key").c_str(), 0600), 0);
  EXPECT_EQ(ReadArcKey(here, "fifo.key").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadArcKey(here, "none.key").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadArcKey(here, "../secret").status().code(), absl::StatusCode::kInvalidArgument);
  for (const char* content : {"", "\n", "a\nb", "a b", "a\x01"}) {
    Write("odd.key", content);
    EXPECT_EQ(ReadArcKey(here, "odd.key").status().code(), absl::StatusCode::kInvalidArgument)
        << content;
  }
}

}  // namespace
}  // namespace tokensvc
