// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_MANAGED_IDENTITY_ENDPOINT_H_
#define TOKENSVC_TESTS_AUTHORITY_MANAGED_IDENTITY_ENDPOINT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/authority/fault.h"
#include "tests/authority/http_message.h"
#include "tests/authority/http_server.h"
#include "tests/authority/keys.h"
#include "tests/authority/waiter.h"

namespace tokensvc::devauth {

/// What Azure offers on a machine for managed identities, in one of its three shapes: strict, over
/// real HTTP on loopback, and made to fail as the development authority is. All methods are
/// thread-safe.
class ManagedIdentityEndpoint {
 public:
  enum class Shape { kImds, kAppService, kAzureArc };

  /// An identity that is assigned to the machine. Without any id it is the system-assigned one.
  struct Identity {
    std::string client_id;
    std::string object_id;
    std::string resource_id;
    std::string subject;  ///< `sub` of its tokens.
  };

  struct Options {
    Shape shape = Shape::kImds;
    std::vector<Identity> identities;
    std::string issuer;  ///< `iss` of tokens.
    absl::Duration lifetime = absl::Hours(24);
    std::string identity_header;      ///< App Service's secret.
    std::string key_directory;        ///< Where Azure Arc's keys are written.
    bool date_in_words = false;       ///< App Service: `expires_on` as it was written on Linux.
    std::function<absl::Time()> now;  ///< Absent: the system's clock.
  };

  static absl::StatusOr<std::unique_ptr<ManagedIdentityEndpoint>> Start(Options options,
                                                                        SigningKey key);
  ~ManagedIdentityEndpoint();

  /// The URL to ask, without a query.
  std::string url() const;

  /// As at the development authority; of a fault's scope only `count` is looked at.
  void AddFault(Fault fault) { faults_.Add(std::move(fault)); }
  void ClearFaults();

  /// Requests so far, challenges included, and of them those that were refused for their form.
  int requests() const;
  int malformed() const;
  int tokens() const;
  std::string last_token() const;
  std::string last_query() const;
  /// Contents of all key files that were written.
  std::vector<std::string> keys() const;

 private:
  ManagedIdentityEndpoint(Options options, SigningKey key)
      : options_(std::move(options)), key_(std::move(key)) {}

  HttpReply Answer(const HttpRequest& request);
  HttpReply Checked(const HttpRequest& request);
  HttpReply Malformed(int status, const std::string& error);
  HttpReply Challenge();
  HttpReply Token(const Identity& identity, const std::string& resource);
  bool ProvesArcKey(const std::string& authorization);
  absl::Time Now() const { return options_.now ? options_.now() : absl::Now(); }

  const Options options_;
  const SigningKey key_;
  FaultSet faults_;
  Waiter waiter_;
  mutable std::mutex mutex_;
  int requests_ = 0;
  int malformed_ = 0;
  int tokens_ = 0;
  std::string last_token_;
  std::string last_query_;
  std::vector<std::string> all_keys_;
  std::vector<std::string> open_keys_;  ///< That were not presented yet.
  std::unique_ptr<HttpServer> server_;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_MANAGED_IDENTITY_ENDPOINT_H_
