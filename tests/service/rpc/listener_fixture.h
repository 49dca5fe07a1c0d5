// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_RPC_LISTENER_FIXTURE_H_
#define TOKENSVC_TESTS_SERVICE_RPC_LISTENER_FIXTURE_H_

#include <grpc/grpc_security_constants.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/access/certificate_callers.h"
#include "service/rpc/listener.h"
#include "service/rpc/listener_certificates.h"
#include "tests/authority/test_certificates.h"
#include "tests/service/config/temp_files.h"
#include "tests/testing/capturing_logger.h"
#include "tokensvc/v1/token_service.grpc.pb.h"

namespace tokensvc::testing {

/// Answers every call with who calls: in the access token's place, or in the status.
class WhoCallsService final : public v1::TokenService::CallbackService {
 public:
  explicit WhoCallsService(const CertificateCallers& callers) : callers_(callers) {}

  grpc::ServerUnaryReactor* AcquireForClient(grpc::CallbackServerContext* context,
                                             const v1::AcquireForClientRequest*,
                                             v1::AcquireForClientResponse*) override {
    context->AddInitialMetadata("peer-address", context->peer());
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    const auto auth = context->auth_context();
    const std::string leaf = First(*auth, GRPC_X509_PEM_CERT_PROPERTY_NAME);
    if (leaf.empty()) {
      context->AddInitialMetadata("caller", "nobody");
      reactor->Finish(grpc::Status::OK);
      return reactor;
    }
    const auto caller =
        callers_.Identify(leaf, First(*auth, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME));
    if (caller.ok()) context->AddInitialMetadata("caller", (*caller)->id);
    reactor->Finish(caller.ok()
                        ? grpc::Status::OK
                        : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                       std::string(CertificateRefusalName(caller.error()))));
    return reactor;
  }

 private:
  static std::string First(const grpc::AuthContext& auth, const std::string& name) {
    const auto values = auth.FindPropertyValues(name);
    return values.empty() ? "" : std::string(values[0].data(), values[0].size());
  }

  const CertificateCallers& callers_;
};

inline std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// What became of a call.
struct WhoAnswer {
  grpc::Status status;
  std::string caller, peer;
};

/// A listener with two certification authorities around it: clients trust the first one's server,
/// and the listener trusts the first one's clients until a test changes that.
class ListenerFixture : public ::testing::Test {
 protected:
  using Validity = TestCertificates::Validity;
  using Channel = std::shared_ptr<grpc::Channel>;

  ListenerFixture() {
    std::filesystem::create_directory(folder_.Path("a"));
    std::filesystem::create_directory(folder_.Path("b"));
    a_ = *TestCertificates::Create(folder_.Path("a"));
    b_ = *TestCertificates::Create(folder_.Path("b"));
    WritePair(*a_->IssueServer("server"));
    WriteCa(ReadText(a_->ca_file()));
  }
  ~ListenerFixture() override { listener_.reset(); }

  void WriteCa(const std::string& pem) { folder_.Write("clients.pem", pem); }
  void WritePair(const CertificateFiles& pair) {
    folder_.Write("server.pem", ReadText(pair.certificate));
    folder_.Write("server.key", ReadText(pair.private_key));
  }

  ListenerCertificates::Options Files() {
    return {"main", folder_.Path("server.pem"), folder_.Path("server.key"),
            folder_.Path("clients.pem"), &callers_};
  }

  void Load() {
    auto loaded = ListenerCertificates::Load(Files(), {clock_, logger_, metrics_});
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    certificates_ = *std::move(loaded);
  }

  void Start(Listener::Options options) {
    options.name = "main";
    auto started = Listener::Start(std::move(options), service_);
    ASSERT_TRUE(started.ok()) << started.status();
    listener_ = *std::move(started);
  }
  void StartTls(Listener::Options options = {}) {
    Load();
    if (certificates_ == nullptr) return;
    options.address = "127.0.0.1:0";
    options.tls = certificates_->credentials();
    Start(std::move(options));
  }

  static CertificateFiles Client(TestCertificates& authority, const std::string& name,
                                 Validity validity = Validity::kValid) {
    TestCertificates::Leaf leaf;
    leaf.name = name;
    leaf.server = false;
    leaf.validity = validity;
    leaf.subject_alternative_names = "URI:spiffe://prod.example/" + name;
    return *authority.Issue(leaf);
  }

  /// A connection of its own. Without `files`: without a certificate.
  Channel Connect(const CertificateFiles* files) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ReadText(a_->ca_file());
    if (files != nullptr) {
      options.pem_cert_chain = ReadText(files->certificate);
      options.pem_private_key = ReadText(files->private_key);
    }
    return Open(grpc::SslCredentials(options));
  }
  Channel Open(const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(listener_->bound_address(), credentials, arguments);
  }

  static WhoAnswer Ask(const Channel& channel) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    v1::AcquireForClientResponse response;
    WhoAnswer answer;
    answer.status = v1::TokenService::NewStub(channel)->AcquireForClient(&context, {}, &response);
    const auto& metadata = context.GetServerInitialMetadata();
    const auto get = [&metadata](const char* name) {
      const auto found = metadata.find(name);
      return found == metadata.end() ? std::string()
                                     : std::string(found->second.data(), found->second.size());
    };
    answer.caller = get("caller");
    answer.peer = get("peer-address");
    return answer;
  }

  TempFolder folder_;
  std::unique_ptr<TestCertificates> a_, b_;
  SystemClock clock_;
  CapturingLogger logger_;
  MetricRegistry metrics_;
  CertificateCallers callers_{clock_};
  WhoCallsService service_{callers_};
  std::unique_ptr<ListenerCertificates> certificates_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_SERVICE_RPC_LISTENER_FIXTURE_H_
