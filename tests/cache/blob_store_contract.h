// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_BLOB_STORE_CONTRACT_H_
#define TOKENSVC_TESTS_CACHE_BLOB_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/event_loop.h"
#include "cache/blob_store.h"
#include "tests/testing/run_on_loop.h"

namespace tokensvc::testing {

/// A blob with that generation in its header, and `payload` behind the header.
std::string MakeBlob(std::uint64_t generation, absl::string_view payload = "payload");

/// Two replicas' stores over one shared store, on one loop, for the contract tests.
class BlobStoreHost {
 public:
  virtual ~BlobStoreHost() = default;
  virtual BlobStore& store() = 0;
  virtual BlobStore& other_replica() = 0;
  /// The shared store's own clock.
  virtual absl::Time Now() = 0;
  /// Returns when that clock shows `time`, or a little later.
  virtual void WaitUntil(absl::Time time) = 0;

  template <class T>
  T Run(asio::awaitable<T> work) {
    return RunOnLoop(loop_.context(), std::move(work));
  }

 protected:
  EventLoop loop_;
};

struct BlobStoreKind {
  std::string name;
  std::function<std::unique_ptr<BlobStoreHost>()> make;
};

/// What every BlobStore does; instantiated for each of them with
/// INSTANTIATE_TEST_SUITE_P(…, BlobStoreContractTest, Values(BlobStoreKind{…}), NameOfKind).
class BlobStoreContractTest : public ::testing::TestWithParam<BlobStoreKind> {
 protected:
  BlobStoreContractTest() : host_(GetParam().make()) {}

  absl::StatusOr<std::optional<std::string>> Get(BlobStore& store, const std::string& key);
  absl::StatusOr<BlobStore::PutOutcome> Put(BlobStore& store, const std::string& key,
                                            std::uint64_t generation,
                                            absl::string_view payload = "payload");
  /// The store's clock, `ahead` from now, as a generation.
  std::uint64_t GenerationAhead(absl::Duration ahead) {
    return static_cast<std::uint64_t>(absl::ToUnixMicros(host_->Now() + ahead));
  }

  const std::unique_ptr<BlobStoreHost> host_;
};

inline std::string NameOfKind(const ::testing::TestParamInfo<BlobStoreKind>& info) {
  return info.param.name;
}

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_BLOB_STORE_CONTRACT_H_
