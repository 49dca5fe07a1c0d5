// SPDX-License-Identifier: Apache-2.0
#include "service/config/secret_reference.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "tests/service/config/temp_files.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(SecretReference, ReadsBothSources) {
  const auto file = ParseSecretReference("file:/run/secrets/orders");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->source, SecretReference::Source::kFile);
  EXPECT_EQ(file->name, "/run/secrets/orders");
  const auto variable = ParseSecretReference("env:ORDERS_SECRET");
  ASSERT_TRUE(variable.ok());
  EXPECT_EQ(variable->source, SecretReference::Source::kEnvironment);
  EXPECT_EQ(variable->name, "ORDERS_SECRET");
}

TEST(SecretReference, RefusesALiteralWithoutShowingIt) {
  for (const char* text :
       {"canary", "", "file:", "env:", "env:canary canary", "env:1canary", "FILE:/canary"}) {
    const auto reference = ParseSecretReference(text);
    EXPECT_EQ(reference.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(Message(reference.status()), Not(HasSubstr("canary"))) << text;
  }
}

TEST(SecretReference, StripsOneNewlineOnly) {
  const TempFolder folder;
  const auto read = [&folder](const std::string& content) {
    const auto secret = ReadSecret("file:" + folder.Write("secret", content));
    return secret.ok() ? std::string(secret->Reveal()) : Message(secret.status());
  };
  EXPECT_EQ(read("s3cret"), "s3cret");
  EXPECT_EQ(read("s3cret\n"), "s3cret");
  EXPECT_EQ(read("s3cret\r\n"), "s3cret");
  EXPECT_EQ(read("s3cret\n\n"), "s3cret\n");
  EXPECT_EQ(read(" s3cret "), " s3cret ");
}

TEST(SecretReference, RefusesEmptyAndOversizedFiles) {
  const TempFolder folder;
  const auto status = [&folder](const std::string& content) {
    return ReadSecret("file:" + folder.Write("secret", content)).status();
  };
  EXPECT_THAT(Message(status("")), HasSubstr("empty"));
  EXPECT_THAT(Message(status("\n")), HasSubstr("empty"));
  EXPECT_TRUE(status(std::string(kMaxSecretBytes, 'x')).ok());
  EXPECT_EQ(status(std::string(kMaxSecretBytes + 1, 'x')).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(SecretReference, RefusesAFileThatEveryoneMayRead) {
  const TempFolder folder;
  EXPECT_THAT(Message(ReadSecret("file:" + folder.Write("open", "canary", 0644)).status()),
              HasSubstr("everyone on the machine may read"));
  EXPECT_TRUE(ReadSecret("file:" + folder.Write("group", "canary", 0640)).ok());
}

TEST(SecretReference, RefusesWhatIsNoRegularFileWithoutWaiting) {
  const TempFolder folder;
  const std::string pipe = folder.Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(Message(ReadSecret("file:" + pipe).status()), HasSubstr("not a regular file"));
  EXPECT_THAT(Message(ReadSecret("file:/dev/zero").status()), HasSubstr("not a regular file"));
  EXPECT_THAT(Message(ReadSecret("file:/").status()), HasSubstr("not a regular file"));
}

TEST(SecretReference, SaysNeitherPathNorVariableWhenNothingIsThere) {
  const auto file = ReadSecret("file:/canary/none");
  EXPECT_EQ(file.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(file.status()), Not(HasSubstr("canary")));
  const auto variable = ReadSecret("env:TOKENSVC_TEST_canary_UNSET");
  EXPECT_EQ(variable.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(variable.status()), Not(HasSubstr("canary")));
}

TEST(SecretReference, ReadsVariables) {
  ASSERT_EQ(setenv("TOKENSVC_TEST_SECRET", "s3cret", 1), 0);
  const auto secret = ReadSecret("env:TOKENSVC_TEST_SECRET");
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(std::string(secret->Reveal()), "s3cret");
  ASSERT_EQ(setenv("TOKENSVC_TEST_SECRET", "", 1), 0);
  EXPECT_THAT(Message(ReadSecret("env:TOKENSVC_TEST_SECRET").status()), HasSubstr("empty"));
  ASSERT_EQ(unsetenv("TOKENSVC_TEST_SECRET"), 0);
}

}  // namespace
}  // namespace tokensvc
