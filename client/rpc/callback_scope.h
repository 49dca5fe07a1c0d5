// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_RPC_CALLBACK_SCOPE_H_
#define TOKENSVC_CLIENT_RPC_CALLBACK_SCOPE_H_

#include <memory>
#include <thread>

#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::client {

/// Says, for a scope, that the thread is one of gRPC's and runs a callback.
class CallbackScope {
 public:
  CallbackScope() { ++Depth(); }
  ~CallbackScope() { --Depth(); }
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

  static bool IsActive() { return Depth() > 0; }

 private:
  static int& Depth() {
    thread_local int depth = 0;
    return depth;
  }
};

/// A stub that may be released anywhere. gRPC 1.51 joins the threads that run callbacks when the
/// last channel ends, also on one of these threads, and then aborts; where the last call outlives
/// its client and is the last to hold the channel, another thread ends it.
inline std::shared_ptr<v1::TokenService::StubInterface> MakeStub(
    const std::shared_ptr<grpc::ChannelInterface>& channel) {
  return {v1::TokenService::NewStub(channel).release(), [](v1::TokenService::StubInterface* stub) {
            if (CallbackScope::IsActive()) {
              std::thread([stub] { delete stub; }).detach();
            } else {
              delete stub;
            }
          }};
}

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_RPC_CALLBACK_SCOPE_H_
