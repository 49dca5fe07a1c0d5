// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_TELEMETRY_AUDIT_LOG_FIXTURE_H_
#define TOKENSVC_TESTS_SERVICE_TELEMETRY_AUDIT_LOG_FIXTURE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "service/telemetry/audit_log.h"
#include "tests/service/telemetry/fake_audit_sink.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace tokensvc::testing {

/// An audit log over a device and a clock that tests move.
class AuditLogFixture : public ::testing::Test {
 protected:
  /// For what a healthy log does at once.
  static constexpr absl::Duration kAges = absl::Seconds(60);

  void Start(AuditLog::Options options = {}) {
    log_ = std::make_unique<AuditLog>(options,
                                      AuditLog::Dependencies{clock_, logger_, random_, metrics_},
                                      std::make_unique<FakeAuditSink>(device_));
  }
  static AuditLog::Options FailClosed() {
    AuditLog::Options options;
    options.fail_closed = true;
    return options;
  }

  AuditRecord Allow(absl::string_view caller = "local:tests") const {
    AuditRecord record;
    record.time = clock_.Now();
    record.decision = AuditDecision::kAllow;
    record.caller = caller;
    record.registration = "orders";
    record.source = "local_cache";
    record.token_fingerprint = 7;
    return record;
  }
  AuditRecord Deny(absl::string_view caller = "local:tests") const {
    AuditRecord record;
    record.time = clock_.Now();
    record.decision = AuditDecision::kDeny;
    record.reason = "POLICY_DENIED";
    record.caller = caller;
    return record;
  }
  AuditRecord Admin(absl::string_view target) const {
    AuditRecord record;
    record.time = clock_.Now();
    record.decision = AuditDecision::kAdmin;
    record.action = "purge";
    record.target = target;
    return record;
  }

  /// What was written, of one decision.
  std::vector<Json> Lines(absl::string_view decision) const {
    std::vector<Json> found;
    for (const Json& line : device_->lines()) {
      if (StringMember(line, "decision") == decision) found.push_back(line);
    }
    return found;
  }
  static int CountOf(const Json& line) { return line.value("count", 1); }
  /// The missing ones, by reason.
  int Missing(absl::string_view reason) const {
    int count = 0;
    for (const Json& line : Lines("gap")) {
      if (StringMember(line, "reason") == reason) count += CountOf(line);
    }
    return count;
  }

  const std::shared_ptr<AuditDevice> device_ = std::make_shared<AuditDevice>();
  FakeClock clock_;
  CapturingLogger logger_;
  FakeRandom random_;
  MetricRegistry registry_;
  AuditMetrics metrics_{registry_};
  std::unique_ptr<AuditLog> log_;
};

/// What became of one record that was to be acknowledged.
class Acknowledgement {
 public:
  AuditTrail::Acknowledged Callback() {
    return [this](const absl::Status& status) {
      MutexLock lock(&mutex_);
      EXPECT_FALSE(status_.has_value()) << "twice";
      status_ = status;
      changed_.NotifyAll();
    };
  }
  absl::Status Await() {
    MutexLock lock(&mutex_);
    while (!status_.has_value()) changed_.Wait(&mutex_);
    return *status_;
  }
  bool came() const {
    MutexLock lock(&mutex_);
    return status_.has_value();
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::optional<absl::Status> status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_SERVICE_TELEMETRY_AUDIT_LOG_FIXTURE_H_
