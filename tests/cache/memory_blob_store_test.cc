// SPDX-License-Identifier: Apache-2.0
#include "cache/memory_blob_store.h"

#include <memory>

#include "tests/cache/blob_store_contract.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc::testing {
namespace {

class MemoryHost final : public BlobStoreHost {
 public:
  BlobStore& store() override { return store_; }
  BlobStore& other_replica() override { return other_; }
  absl::Time Now() override { return clock_.Now(); }
  void WaitUntil(absl::Time time) override { clock_.Advance(time - clock_.Now()); }

 private:
  FakeClock clock_;
  const std::shared_ptr<MemoryBlobs> blobs_ = std::make_shared<MemoryBlobs>(clock_);
  MemoryBlobStore store_{blobs_};
  MemoryBlobStore other_{blobs_};
};

INSTANTIATE_TEST_SUITE_P(Memory, BlobStoreContractTest,
                         ::testing::Values(BlobStoreKind{
                             "memory", [] { return std::make_unique<MemoryHost>(); }}),
                         NameOfKind);

}  // namespace
}  // namespace tokensvc::testing
