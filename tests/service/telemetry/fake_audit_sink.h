// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_TELEMETRY_FAKE_AUDIT_SINK_H_
#define TOKENSVC_TESTS_SERVICE_TELEMETRY_FAKE_AUDIT_SINK_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "base/json.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "service/telemetry/audit_sink.h"

namespace tokensvc::testing {

/// A device that a test breaks, blocks and mends, and whose lines it reads. Thread-safe.
class AuditDevice {
 public:
  /// Every write fails after `lines` more; nothing: none does.
  void FailAfter(std::size_t lines) { Set(&takes_, lines); }
  void Mend() { Set(&takes_, kAll); }
  void FailSync(bool fail) { Set(&sync_fails_, fail); }
  /// Writes wait.
  void Block(bool block) { Set(&blocked_, block); }
  /// Waits until a write waits.
  void AwaitBlocked() {
    MutexLock lock(&mutex_);
    while (!waiting_) changed_.Wait(&mutex_);
  }

  std::vector<Json> lines() const {
    MutexLock lock(&mutex_);
    std::vector<Json> parsed;
    for (const std::string& line : lines_) {
      const absl::StatusOr<Json> json = ParseJsonObject(line);
      EXPECT_TRUE(json.ok()) << json.status() << ": " << line;
      if (json.ok()) parsed.push_back(*json);
    }
    return parsed;
  }
  int syncs() const { return Get(&syncs_); }
  int reopens() const { return Get(&reopens_); }
  int attempts() const { return Get(&attempts_); }

  AuditSink::Written Write(absl::string_view text) {
    MutexLock lock(&mutex_);
    ++attempts_;
    waiting_ = blocked_;
    changed_.NotifyAll();
    while (blocked_) changed_.Wait(&mutex_);
    waiting_ = false;
    AuditSink::Written written;
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      if (takes_ == 0) {
        written.status = absl::ResourceExhaustedError("no space left");
        break;
      }
      if (takes_ != kAll) --takes_;
      lines_.emplace_back(line);
      written.bytes += line.size() + 1;
    }
    return written;
  }
  absl::Status Sync() {
    MutexLock lock(&mutex_);
    ++syncs_;
    return sync_fails_ ? absl::UnknownError("input/output error") : absl::OkStatus();
  }
  absl::Status Reopen() {
    MutexLock lock(&mutex_);
    ++reopens_;
    return absl::OkStatus();
  }

 private:
  static constexpr std::size_t kAll = ~std::size_t{0};

  template <class T, class U>
  void Set(T* what, U value) {
    MutexLock lock(&mutex_);
    *what = value;
    changed_.NotifyAll();
  }
  template <class T>
  T Get(const T* what) const {
    MutexLock lock(&mutex_);
    return *what;
  }

  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  std::size_t takes_ = kAll;
  bool sync_fails_ = false;
  bool blocked_ = false;
  bool waiting_ = false;
  int syncs_ = 0;
  int reopens_ = 0;
  int attempts_ = 0;
};

/// The device as a log owns it.
class FakeAuditSink final : public AuditSink {
 public:
  explicit FakeAuditSink(std::shared_ptr<AuditDevice> device) : device_(std::move(device)) {}
  absl::string_view name() const override { return "fake"; }
  Written Write(absl::string_view lines) override { return device_->Write(lines); }
  absl::Status Sync() override { return device_->Sync(); }
  absl::Status Reopen() override { return device_->Reopen(); }

 private:
  const std::shared_ptr<AuditDevice> device_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_SERVICE_TELEMETRY_FAKE_AUDIT_SINK_H_
