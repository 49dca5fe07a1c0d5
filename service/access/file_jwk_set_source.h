// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_FILE_JWK_SET_SOURCE_H_
#define TOKENSVC_SERVICE_ACCESS_FILE_JWK_SET_SOURCE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/file_reader.h"
#include "base/worker_pool.h"
#include "service/access/jwk_set_source.h"

namespace tokensvc {

/// A JWK set in a file, read anew where the file is another than at the last look. Belongs to one
/// loop; files are read on a worker.
class FileJwkSetSource final : public JwkSetSource {
 public:
  /// `workers` must outlive the loop's run.
  FileJwkSetSource(std::string path, WorkerPool& workers)
      : file_(std::make_shared<File>(File{std::move(path), std::nullopt, true})),
        workers_(workers) {}

  /// Reads it here and now, for the start, before `Load`. Blocks. Errors as `ReadSmallFile` and
  /// `JwkSet::Parse`; their texts hold neither path nor content.
  absl::StatusOr<JwkSet> LoadFirst();

  /// Errors: kRegistrationMisconfigured, once for each state of the file that cannot be used.
  asio::awaitable<Result<Loaded>> Load() override;

 private:
  /// Shared with the worker, which may still be reading when nobody waits any more.
  struct File {
    std::string path;
    std::optional<FileIdentity> seen;
    bool first;
  };

  static absl::StatusOr<std::optional<JwkSet>> LoadChanged(File& file);

  const std::shared_ptr<File> file_;
  WorkerPool& workers_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_FILE_JWK_SET_SOURCE_H_
