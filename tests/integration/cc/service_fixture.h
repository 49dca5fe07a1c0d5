// SPDX-License-Identifier: Apache-2.0
// The whole service in the test's process, over real gRPC, with the development authority over real
// HTTP behind it, and a clock that the test moves.
#ifndef TOKENSVC_TESTS_INTEGRATION_CC_SERVICE_FIXTURE_H_
#define TOKENSVC_TESTS_INTEGRATION_CC_SERVICE_FIXTURE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "gtest/gtest.h"
#include "service/server.h"
#include "tests/authority/dev_authority.h"
#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"
#include "tokensvc/v1/errors.pb.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::testing {

/// What no log, status or metric may ever show: a secret of ours, and what tests let an authority
/// say.
inline constexpr char kSecretCanary[] = "canary-c1ient-s3cret-5f2b";
inline constexpr char kTokenCanary[] = "canary-acce55-t0ken-91d3";

/// A gRPC status taken apart as the contract says a client may.
struct ReadStatus {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string message;
  std::string reason;
  std::string correlation_id;
  google::rpc::BadRequest bad_request;
  std::optional<absl::Duration> retry_after;
  v1::AuthorityError authority;
  std::size_t detail_bytes = 0;
  /// All of it as text, to search for what must not be there.
  std::string everything;
};

ReadStatus Read(const grpc::Status& status);

class ServiceFixture : public ::testing::Test {
 protected:
  static constexpr char kTenant[] = "11111111-1111-1111-1111-111111111111";
  static constexpr char kResource[] = "api://orders-api/.default";

  ServiceFixture();
  ~ServiceFixture() override;

  /// Starts the authority (with `options`, and the client `orders-service` added) and the service.
  /// `more` is added to the configuration.
  void Start(DevAuthority::Options options = {}, const std::string& more = "");
  void StartAuthority(DevAuthority::Options options);
  void StartService(const std::string& configuration);
  std::string Configuration(const std::string& more = "") const;

  static v1::AcquireForClientRequest Request(const std::string& scope = kResource);
  grpc::Status Acquire(const v1::AcquireForClientRequest& request,
                       v1::AcquireForClientResponse* response,
                       absl::Duration deadline = absl::Seconds(20));
  /// The answer's token, or a test failure.
  v1::AcquireForClientResponse MustAcquire(const v1::AcquireForClientRequest& request);
  ReadStatus MustFail(const v1::AcquireForClientRequest& request,
                      absl::Duration deadline = absl::Seconds(20));

  std::string Address() const;
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  std::string WriteFile(const std::string& name, const std::string& text) const;
  /// The text of /metrics.
  std::string Metrics() const;
  /// That neither the log nor the metrics nor `status` show a canary, a token that was answered, or
  /// a credential as the authority last received it: secret, assertion or Basic header, decoded or
  /// not, whole or the parts of it that would do.
  void ExpectNoCanary(const ReadStatus& status = {}) const;
  long TokenRequests() const { return authority_->counters().token_requests; }

  std::string dir_;
  FakeClock clock_;
  CapturingLogger logger_;
  std::unique_ptr<DevAuthority> authority_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::TokenService::Stub> stub_;
  std::set<std::string> tokens_;  ///< That `MustAcquire` saw.
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_INTEGRATION_CC_SERVICE_FIXTURE_H_
