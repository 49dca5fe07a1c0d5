// SPDX-License-Identifier: Apache-2.0
// The floor that the service is measured against: a gRPC server that answers AcquireForClient with
// one fixed message, by the same callback API, and does nothing else. Writes `bare ADDRESS` to the
// file it is told.

#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::bench {
namespace {

class BareHandler final : public v1::TokenService::CallbackService {
 public:
  explicit BareHandler(v1::AcquireForClientResponse answer) : answer_(std::move(answer)) {}

  grpc::ServerUnaryReactor* AcquireForClient(grpc::CallbackServerContext* context,
                                             const v1::AcquireForClientRequest*,
                                             v1::AcquireForClientResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    *response = answer_;
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const v1::AcquireForClientResponse answer_;
};

}  // namespace

int Run(const std::string& answer_file, const std::string& ready_file) {
  v1::AcquireForClientResponse answer;
  std::ifstream in(answer_file, std::ios::binary);
  if (!answer.ParseFromIstream(&in)) return 1;

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  BareHandler handler(std::move(answer));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&handler);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  const std::string temporary = ready_file + ".new";
  std::ofstream(temporary) << "bare 127.0.0.1:" << port << "\n";
  std::rename(temporary.c_str(), ready_file.c_str());
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown();
  return 0;
}

}  // namespace tokensvc::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s ANSWER-FILE READY-FILE\n", argv[0]);
    return 2;
  }
  return tokensvc::bench::Run(argv[1], argv[2]);
}
