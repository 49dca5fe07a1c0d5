// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_CONFIG_WATCHER_H_
#define TOKENSVC_SERVICE_CONFIG_CONFIG_WATCHER_H_

#include <sys/stat.h>

#include <string>
#include <utility>

namespace tokensvc {

/// Notices that a file was replaced or rewritten, links on its way included (Kubernetes swaps a
/// link). Polled; not thread-safe.
class ConfigWatcher {
 public:
  explicit ConfigWatcher(std::string path) : path_(std::move(path)) { Changed(); }

  /// Whether the file is another than at the last call. A missing file is no change: it may be in
  /// the middle of a swap.
  bool Changed() {
    struct stat now {};
    if (stat(path_.c_str(), &now) != 0) return false;
    const bool same = now.st_dev == last_.st_dev && now.st_ino == last_.st_ino &&
                      now.st_size == last_.st_size && now.st_mtim.tv_sec == last_.st_mtim.tv_sec &&
                      now.st_mtim.tv_nsec == last_.st_mtim.tv_nsec;
    last_ = now;
    return !same;
  }

 private:
  const std::string path_;
  struct stat last_ {};
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_CONFIG_WATCHER_H_
