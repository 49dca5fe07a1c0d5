// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_FAULT_H_
#define TOKENSVC_TESTS_AUTHORITY_FAULT_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/authority/json.h"

namespace tokensvc::devauth {

enum class Endpoint { kToken, kDiscovery, kJwks, kInstance };

/// One thing that goes wrong. The scope says which requests it meets; everything set in the rest
/// happens to them. A request meets the first fault that fits it, in the order they were added.
struct Fault {
  // Scope.
  Endpoint endpoint = Endpoint::kToken;
  std::optional<std::string> tenant;     ///< as in the URL; `oidc` is the plain OIDC issuer
  std::optional<std::string> client_id;  ///< token endpoint only
  std::optional<int> count;              ///< how many requests meet it; absent: all of them

  // Before the answer.
  absl::Duration latency;
  bool hang = false;  ///< no answer until the client leaves, the faults are cleared, or 60 s

  // The connection.
  bool reset = false;  ///< TCP RST instead of an answer
  /// RST after this many bytes of the answer, head included.
  std::optional<size_t> reset_after_bytes;

  // Instead of the answer; nothing is checked or issued.
  std::optional<int> status;        ///< 200 where only `body` is set
  std::optional<std::string> body;  ///< empty where only `status` is set
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers;  ///< also added to an otherwise normal answer
  /// A JSON body of this size, sent in chunks without Content-Length.
  std::optional<size_t> body_bytes;
  int error_code = 0;  ///< the refusal with this AADSTS number, as Entra words it
  std::string error;   ///< with or without `error_code`: the OAuth error code
  std::string suberror;
  std::string claims;             ///< the claims challenge of the refusal
  bool echo_credentials = false;  ///< a refusal that repeats the credential that was received
  bool echo_request = false;      ///< the request, head and body, as body; 200 without `status`

  // To the answer.
  std::optional<int> lifetime_seconds;
  bool same_token = false;
  std::string foreign_issuer;           ///< discovery: the `issuer` that is claimed
  Json response_patch;                  ///< RFC 7396 merge patch over a success; null removes
  bool duplicate_access_token = false;  ///< a second `access_token` member, with another value
};

/// Reads a fault of the control interface (README.md). Unknown members and wrong types are refused.
absl::StatusOr<Fault> ParseFault(const Json& json);

/// The faults that are set. Thread-safe.
class FaultSet {
 public:
  void Add(Fault fault);
  void Clear();
  /// The first fault that fits, counted down; a spent one is gone.
  std::optional<Fault> Take(Endpoint endpoint, absl::string_view tenant,
                            absl::string_view client_id);

 private:
  std::mutex mutex_;
  std::list<Fault> faults_;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_FAULT_H_
