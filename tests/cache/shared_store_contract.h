// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_SHARED_STORE_CONTRACT_H_
#define TOKENSVC_TESTS_CACHE_SHARED_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "asio/awaitable.hpp"
#include "base/clock.h"
#include "cache/shared_store.h"

namespace tokensvc::testing {

using RecordPtr = std::shared_ptr<const TokenRecord>;

/// Two replicas' views of what they share, for the contract tests.
class SharedStoreHost {
 public:
  virtual ~SharedStoreHost() = default;
  virtual SharedStore& store() = 0;
  virtual SharedStore& other_replica() = 0;
  virtual const Clock& clock() = 0;
  /// Returns when `time` has passed.
  virtual void Wait(absl::Duration time) = 0;
  /// How often an operation is tried until it succeeds: more than once where faults are the point.
  virtual int tries() const { return 1; }

  virtual std::vector<absl::StatusOr<RecordPtr>> GetMany(SharedStore& store,
                                                         std::vector<RecordName> names) = 0;
  virtual absl::Status Put(SharedStore& store, RecordName name, RecordPtr record) = 0;
};

struct SharedStoreKind {
  std::string name;
  std::function<std::unique_ptr<SharedStoreHost>()> make;
};

/// What every way of keeping records does, whatever lies below; instantiated for each of them.
class SharedStoreContractTest : public ::testing::TestWithParam<SharedStoreKind> {
 protected:
  SharedStoreContractTest() : host_(GetParam().make()) {}

  RecordPtr Record(absl::string_view token, std::uint64_t generation = 10,
                   absl::Duration life = absl::Hours(1));
  /// Puts until it is done.
  void Put(const RecordName& name, RecordPtr record);
  /// What that replica finds; faults are no finding, so that it looks again.
  RecordPtr Find(SharedStore& store, const RecordName& name);
  /// The token of what it finds; empty: nothing.
  std::string Token(SharedStore& store, const RecordName& name);

  const RecordName name_{"canonical key", "contoso"};
  const std::unique_ptr<SharedStoreHost> host_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_SHARED_STORE_CONTRACT_H_
