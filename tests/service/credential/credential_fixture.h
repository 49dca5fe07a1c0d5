// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_CREDENTIAL_CREDENTIAL_FIXTURE_H_
#define TOKENSVC_TESTS_SERVICE_CREDENTIAL_CREDENTIAL_FIXTURE_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "asio/awaitable.hpp"
#include "asio/co_spawn.hpp"
#include "asio/io_context.hpp"
#include "base/mutex.h"
#include "service/credential/client_credential.h"
#include "service/credential/credential_environment.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace tokensvc::testing {

/// The parts of a request as plain text, for comparing.
inline std::map<std::string, std::string> Plain(
    const std::vector<std::pair<std::string, Secret>>& fields) {
  std::map<std::string, std::string> plain;
  for (const auto& [name, value] : fields) plain[name] = std::string(value.Reveal());
  return plain;
}

/// An empty directory and everything that credentials need.
class CredentialFixture : public ::testing::Test {
 protected:
  CredentialFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tokensvc-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~CredentialFixture() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

  /// As a tool that means well does it: written beside, then renamed.
  std::string Write(const std::string& name, const std::string& text) const {
    WriteInPlace(name + ".new", text);
    std::filesystem::rename(Path(name + ".new"), Path(name));
    return Path(name);
  }

  void WriteInPlace(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary | std::ios::trunc) << text;
  }

  /// Runs one coroutine to its end on a loop of its own. Thread-safe.
  template <class T>
  T RunAwaitable(asio::awaitable<T> work) {
    std::optional<T> result;
    RunAwaitable(KeepResult(std::move(work), result));
    return *std::move(result);
  }

  void RunAwaitable(asio::awaitable<void> work) {
    asio::io_context& loop = AddLoop();
    asio::co_spawn(loop, std::move(work), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
    loop.run();
  }

  /// Long enough for files to be looked at again.
  void PassInterval() { clock_.Advance(absl::Seconds(1)); }

  double DaysToExpiry() const {
    double days = 0;
    registry_.ForEach([&days](const MetricRegistry::Entry& entry) {
      if (entry.name == "tokensvc_credential_days_to_expiry") days = entry.computed();
    });
    return days;
  }

  template <class T>
  static asio::awaitable<void> KeepResult(asio::awaitable<T> work, std::optional<T>& result) {
    result.emplace(co_await std::move(work));
  }

  asio::io_context& AddLoop() {
    MutexLock lock(&loops_mutex_);
    return loops_.emplace_back();
  }

  const CredentialMetrics::Counters& Counters() { return metrics_.For("crm/0"); }

  std::filesystem::path directory_;
  // Before the workers, so that they end first: a worker may still be inside the call that woke a
  // loop when that loop has already come to its end.
  Mutex loops_mutex_;
  std::list<asio::io_context> loops_ ABSL_GUARDED_BY(loops_mutex_);
  FakeClock clock_;
  FakeRandom random_;
  WorkerPool workers_{2, 64};
  CapturingLogger logger_;
  MetricRegistry registry_;
  CredentialMetrics metrics_{registry_, clock_};
  CredentialEnvironment environment_{clock_, random_, workers_, logger_, metrics_};
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_SERVICE_CREDENTIAL_CREDENTIAL_FIXTURE_H_
