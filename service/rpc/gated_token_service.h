// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_GATED_TOKEN_SERVICE_H_
#define TOKENSVC_SERVICE_RPC_GATED_TOKEN_SERVICE_H_

#include <google/protobuf/arena.h>
#include <grpcpp/grpcpp.h>

#include <cstddef>

#include "service/rpc/drain_gate.h"
#include "service/rpc/rpc_metrics.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc {

/// What a listener registers in place of the handler itself: counts its calls, from their arrival
/// until their answers are written, and answers UNAVAILABLE with the reason DRAINING where the gate
/// is closed. Thread-safe.
class GatedTokenService final : public v1::TokenService::CallbackService {
 public:
  /// All three must outlive the listener.
  GatedTokenService(v1::TokenService::CallbackService& handler, DrainGate& gate,
                    RpcMetrics& metrics);

  grpc::ServerUnaryReactor* AcquireForClient(grpc::CallbackServerContext* context,
                                             const v1::AcquireForClientRequest* request,
                                             v1::AcquireForClientResponse* response) override;
  grpc::ServerUnaryReactor* BatchAcquireForClient(
      grpc::CallbackServerContext* context, const v1::BatchAcquireForClientRequest* request,
      v1::BatchAcquireForClientResponse* response) override;
  grpc::ServerUnaryReactor* CreateAuthorizationHeader(
      grpc::CallbackServerContext* context, const v1::CreateAuthorizationHeaderRequest* request,
      v1::CreateAuthorizationHeaderResponse* response) override;

 private:
  /// Room for the messages of a call for one token.
  static constexpr std::size_t kFirstBlockBytes = 1536;
  static constexpr std::size_t kMoreBlockBytes = std::size_t{16} << 10;

  /// gRPC asks it for the messages of every call that arrives, and gives them back when all of the
  /// call is over: the only hooks at these two moments that keep the handler on gRPC's fast path.
  /// The messages of a call are one arena: a batch has a thousand of them, and making and freeing
  /// each by itself costs more than all else that is done for it.
  template <class Request, class Response>
  class CountedMessages final : public grpc::MessageAllocator<Request, Response> {
   public:
    explicit CountedMessages(DrainGate& gate) : gate_(gate) {}
    grpc::MessageHolder<Request, Response>* AllocateMessages() override {
      return new Holder(gate_);
    }

   private:
    class Holder final : public grpc::MessageHolder<Request, Response> {
     public:
      explicit Holder(DrainGate& gate) : gate_(gate), arena_(OptionsWith(first_block_)) {
        this->set_request(google::protobuf::Arena::CreateMessage<Request>(&arena_));
        this->set_response(google::protobuf::Arena::CreateMessage<Response>(&arena_));
        gate_.Enter();
      }
      void Release() override {
        DrainGate& gate = gate_;
        delete this;
        gate.Leave();
      }

     private:
      static google::protobuf::ArenaOptions OptionsWith(char* first_block) {
        google::protobuf::ArenaOptions options;
        options.initial_block = first_block;
        options.initial_block_size = kFirstBlockBytes;
        options.start_block_size = kMoreBlockBytes;  // whoever needs a second one is a batch
        options.max_block_size = kMoreBlockBytes;
        return options;
      }

      DrainGate& gate_;
      alignas(8) char first_block_[kFirstBlockBytes];
      google::protobuf::Arena arena_;
    };

    DrainGate& gate_;
  };

  grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext& context,
                                   absl::string_view correlation_id, RpcMethodMetrics& metrics);

  v1::TokenService::CallbackService& handler_;
  DrainGate& gate_;
  RpcMetrics& metrics_;
  CountedMessages<v1::AcquireForClientRequest, v1::AcquireForClientResponse> acquire_for_client_;
  CountedMessages<v1::BatchAcquireForClientRequest, v1::BatchAcquireForClientResponse>
      batch_acquire_for_client_;
  CountedMessages<v1::CreateAuthorizationHeaderRequest, v1::CreateAuthorizationHeaderResponse>
      create_authorization_header_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_GATED_TOKEN_SERVICE_H_
