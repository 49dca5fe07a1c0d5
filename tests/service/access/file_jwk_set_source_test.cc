// SPDX-License-Identifier: Apache-2.0
#include "service/access/file_jwk_set_source.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/service/access/issuer_keys_fixture.h"

namespace tokensvc {
namespace {

class FileJwkSetSourceTest : public testing::IssuerKeysFixture {
 protected:
  FileJwkSetSourceTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tokensvc-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path_ = (directory_ / "canary-keys.json").string();
  }
  ~FileJwkSetSourceTest() override {
    workers_.Join();
    std::filesystem::remove_all(directory_);
  }

  void Write(const std::string& text) const {
    std::ofstream(path_ + ".new", std::ios::binary | std::ios::trunc) << text;
    std::filesystem::rename(path_ + ".new", path_);
  }

  std::shared_ptr<RefreshingIssuerKeys> Open() {
    auto source = std::make_unique<FileJwkSetSource>(path_, workers_);
    absl::StatusOr<JwkSet> first = source->LoadFirst();
    EXPECT_TRUE(first.ok()) << first.status();
    return RefreshingIssuerKeys::Create("main", std::move(source), IssuerKeysPolicy::ForFile(),
                                        environment_, *std::move(first));
  }

  /// Lets a second pass and looks; waits until that is over.
  Snapshot Look(IssuerKeys& keys) {
    clock_.Advance(absl::Seconds(1));
    const Answer answer = Wait(keys, keys.Current());
    RunUntil([&] { return answer->has_value(); });
    return **answer;
  }

  WorkerPool workers_{1, 16};
  std::filesystem::path directory_;
  std::string path_;
};

TEST_F(FileJwkSetSourceTest, FollowsTheFile) {
  Write(SetOf("first"));
  const auto keys = Open();
  EXPECT_EQ(keys->Current()->keys()[0].kid, "first");
  const Snapshot before = keys->Current();
  EXPECT_EQ(Look(*keys), before);
  Write(SetOf("second"));
  EXPECT_EQ(Look(*keys)->keys()[0].kid, "second");
  Write(SetOf("third"));
  EXPECT_EQ(Look(*keys)->keys()[0].kid, "third");
}

TEST_F(FileJwkSetSourceTest, PlainUseFindsAChangeToo) {
  Write(SetOf("first"));
  const auto keys = Open();
  Write(SetOf("second"));
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(keys->Current()->keys()[0].kid, "first");
  RunUntil([&] { return keys->Current()->keys()[0].kid == "second"; });
  EXPECT_EQ(keys->Current()->keys()[0].kid, "second");
}

TEST_F(FileJwkSetSourceTest, ABrokenFileKeepsTheOldKeysAndIsSaidOnce) {
  Write(SetOf("first"));
  const auto keys = Open();
  Write(R"({"keys":[{"kty":"RSA","n":"canary"}]})");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Look(*keys)->keys()[0].kid, "first");
  EXPECT_EQ(metrics_.failed.Value(), 1);
  EXPECT_EQ(logger_.Count("issuer_keys_failed"), 1u);
  std::filesystem::remove(path_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Look(*keys)->keys()[0].kid, "first");
  EXPECT_EQ(metrics_.failed.Value(), 2);
  EXPECT_EQ(logger_.Count("issuer_keys_failed"), 2u);
  clock_.Advance(absl::Hours(24 * 30));
  EXPECT_NE(keys->Current(), nullptr) << "a file's keys do not age";
  Write(SetOf("second"));
  EXPECT_EQ(Look(*keys)->keys()[0].kid, "second");
}

TEST_F(FileJwkSetSourceTest, AFileThatCannotBeUsedAtTheStartIsAnError) {
  FileJwkSetSource missing(path_, workers_);
  EXPECT_EQ(missing.LoadFirst().status().code(), absl::StatusCode::kNotFound);
  Write("canary");
  const absl::Status broken = FileJwkSetSource(path_, workers_).LoadFirst().status();
  EXPECT_EQ(broken.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(broken.ToString().find("canary"), std::string::npos);
  Write(std::string(JwkSet::kMaxBytes + 1, ' '));
  EXPECT_EQ(FileJwkSetSource(path_, workers_).LoadFirst().status().code(),
            absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace tokensvc
