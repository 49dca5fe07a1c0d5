// SPDX-License-Identifier: Apache-2.0
// The floor that the service is measured against: a gRPC server that answers AcquireForClient and
// BatchAcquireForClient with one fixed message each, by the same callback API, and does nothing
// else. Writes `bare ADDRESS` to the file it is told.

#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::bench {
namespace {

struct Answers {
  v1::AcquireForClientResponse one;
  v1::BatchAcquireForClientResponse batch;
};

class BareHandler final : public v1::TokenService::CallbackService {
 public:
  explicit BareHandler(Answers answers) : answers_(std::move(answers)) {}

  grpc::ServerUnaryReactor* AcquireForClient(grpc::CallbackServerContext* context,
                                             const v1::AcquireForClientRequest*,
                                             v1::AcquireForClientResponse* response) override {
    return Finish(*context, answers_.one, *response);
  }
  grpc::ServerUnaryReactor* BatchAcquireForClient(
      grpc::CallbackServerContext* context, const v1::BatchAcquireForClientRequest*,
      v1::BatchAcquireForClientResponse* response) override {
    return Finish(*context, answers_.batch, *response);
  }

 private:
  template <class Message>
  static grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext& context,
                                          const Message& answer, Message& response) {
    grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
    response = answer;
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  const Answers answers_;
};

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::shared_ptr<grpc::ServerCredentials> MutualTls(const std::string& certificate,
                                                   const std::string& key, const std::string& ca) {
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_key_cert_pairs.push_back({ReadAll(key), ReadAll(certificate)});
  options.pem_root_certs = ReadAll(ca);
  return grpc::SslServerCredentials(options);
}

/// Reads METHOD=FILE, the serialized answer of a method.
bool ReadAnswer(const std::string& argument, Answers& answers) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos) return false;
  std::ifstream in(argument.substr(equals + 1), std::ios::binary);
  const std::string method = argument.substr(0, equals);
  if (method == "AcquireForClient") return answers.one.ParseFromIstream(&in);
  return method == "BatchAcquireForClient" && answers.batch.ParseFromIstream(&in);
}

}  // namespace

int Run(const std::string& ready_file, std::vector<std::string> arguments) {
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (arguments.size() > 4 && arguments[0] == "--tls") {
    credentials = MutualTls(arguments[1], arguments[2], arguments[3]);
    arguments.erase(arguments.begin(), arguments.begin() + 4);
  }
  if (!arguments.empty() && arguments[0] == "--tuned") {
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    arguments.erase(arguments.begin());
  }
  Answers answers;
  for (const std::string& argument : arguments) {
    if (!ReadAnswer(argument, answers)) return 1;
  }

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  BareHandler handler(std::move(answers));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", credentials, &port);
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
  if (argc < 3) {
    std::fprintf(
        stderr, "usage: %s READY-FILE [--tls CERTIFICATE KEY CA] [--tuned] METHOD=ANSWER-FILE...\n",
        argv[0]);
    return 2;
  }
  return tokensvc::bench::Run(argv[1], {argv + 2, argv + argc});
}
