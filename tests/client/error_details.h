// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CLIENT_ERROR_DETAILS_H_
#define TOKENSVC_TESTS_CLIENT_ERROR_DETAILS_H_

#include <string>

#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace tokensvc::tokenctl {

/// Adds a `google.rpc.ErrorInfo` as a Token Service sends it.
inline void AddErrorInfo(const std::string& domain, const std::string& reason,
                         const std::string& correlation_id, google::rpc::Status* details) {
  google::rpc::ErrorInfo info;
  info.set_domain(domain);
  info.set_reason(reason);
  (*info.mutable_metadata())["correlation_id"] = correlation_id;
  details->add_details()->PackFrom(info);
}

/// A status that carries `details`.
inline grpc::Status WithDetails(grpc::StatusCode code, const std::string& message,
                                const google::rpc::Status& details) {
  return {code, message, details.SerializeAsString()};
}

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_TESTS_CLIENT_ERROR_DETAILS_H_
