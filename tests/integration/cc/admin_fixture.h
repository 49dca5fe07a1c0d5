// SPDX-License-Identifier: Apache-2.0
// The service with a listener for tokens and three for administration, whose callers have the roles
// of administrator, observer and none; and with a file that it reads again when it is asked to.
#ifndef TOKENSVC_TESTS_INTEGRATION_CC_ADMIN_FIXTURE_H_
#define TOKENSVC_TESTS_INTEGRATION_CC_ADMIN_FIXTURE_H_

#include <memory>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "service/config/config_reloader.h"
#include "service/config/reload_requests.h"
#include "tests/integration/cc/service_fixture.h"
#include "tokensvc/admin/v1/admin_service.grpc.pb.h"

namespace tokensvc::testing {

class AdminFixture : public ServiceFixture {
 protected:
  using Stub = admin::v1::AdminService::Stub;

  AdminFixture() = default;
  ~AdminFixture() override { StopReading(); }

  /// Starts authority and service. `more` is added to the configuration, the policy is one rule:
  /// `local:tests` may have tokens of `orders`.
  void StartAdmin(const std::string& more = "");
  std::string AdminConfiguration(const std::string& more = "") const;
  /// Replaces the file.
  void WriteConfiguration(const std::string& text) { WriteFile("tokensvc.yaml", text); }
  /// Ends the thread that reads the file when somebody asks, as a process does before it drains.
  void StopReading();

  std::string AddressOf(const std::string& listener) const;
  std::unique_ptr<Stub> AtListener(const std::string& listener) const;

  /// Calls `method` as the administrator, or who else `listener` stands for.
  template <class Request, class Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response,
                    const std::string& listener = "administrator",
                    std::chrono::milliseconds deadline = std::chrono::seconds(20)) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + deadline);
    return ((*AtListener(listener)).*method)(&context, request, response);
  }
  /// The same, where it must succeed.
  template <class Request, class Response>
  Response Must(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request = {}) const {
    Response response;
    const grpc::Status status = Call(method, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_code() << ": " << status.error_message();
    return response;
  }

 private:
  void ReadWhenAsked();

  std::unique_ptr<ConfigReloader> reloader_;
  Mutex mutex_;
  CondVar changed_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread reader_;

 protected:
  ReloadRequests reloads_{[this] {
    MutexLock lock(&mutex_);
    woken_ = true;
    changed_.NotifyAll();
  }};
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_INTEGRATION_CC_ADMIN_FIXTURE_H_
