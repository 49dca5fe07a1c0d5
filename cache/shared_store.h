// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SHARED_STORE_H_
#define TOKENSVC_CACHE_SHARED_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "asio/awaitable.hpp"
#include "cache/token_record.h"

namespace tokensvc {

/// Which record is meant.
struct RecordName {
  std::string key;        ///< The canonical bytes (ADR 0003).
  std::string partition;  ///< Whom its keys and bounds are divided by: a tenant.
  /// By what else than the tenant it can be purged; empty: by nothing. Who looks for a record does
  /// not know the credential that fetched it.
  std::string registration = {};
  std::string credential = {};
};

/// The cache that all replicas share (DESIGN.md §5). An app token never depends on it: who gets an
/// error goes on as if nothing had been found. Belongs to one event loop.
class SharedStore {
 public:
  virtual ~SharedStore() = default;

  /// The records of `names`, in their order and in one pipeline, with times on this process's own
  /// clocks; null where there is none.
  virtual asio::awaitable<std::vector<absl::StatusOr<std::shared_ptr<const TokenRecord>>>> GetMany(
      std::vector<RecordName> names) = 0;

  /// Stores `record` until its `expires_at`, unless one of a generation that is not smaller is
  /// there.
  virtual asio::awaitable<absl::Status> Put(RecordName name,
                                            std::shared_ptr<const TokenRecord> record) = 0;
};

/// The store of a service with one replica: there is none.
class NoSharedStore final : public SharedStore {
 public:
  asio::awaitable<std::vector<absl::StatusOr<std::shared_ptr<const TokenRecord>>>> GetMany(
      std::vector<RecordName> names) override {
    co_return std::vector<absl::StatusOr<std::shared_ptr<const TokenRecord>>>(
        names.size(), std::shared_ptr<const TokenRecord>());
  }
  asio::awaitable<absl::Status> Put(RecordName, std::shared_ptr<const TokenRecord>) override {
    co_return absl::OkStatus();
  }
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SHARED_STORE_H_
