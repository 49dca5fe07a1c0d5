// SPDX-License-Identifier: Apache-2.0
// How the service ends: what its callers are told, and who can make it wait.
#include <grpcpp/generic/generic_stub.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

/// Longer than ctest lets this program run: who waits for it fails.
constexpr char kForever[] = "server: {drain_timeout: 10m}\n";

/// A TCP connection to the service whose other end says `first` and from then on nothing: no
/// answer to a GOAWAY, to a ping, or to anything.
class SilentPeer {
 public:
  SilentPeer(const std::string& address, absl::string_view first) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    EXPECT_EQ(write(fd_, first.data(), first.size()), static_cast<ssize_t>(first.size()));
    char settings[9];
    if (!first.empty()) EXPECT_GT(read(fd_, settings, sizeof(settings)), 0);
  }
  ~SilentPeer() { close(fd_); }
  SilentPeer(const SilentPeer&) = delete;
  SilentPeer& operator=(const SilentPeer&) = delete;

 private:
  const int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

/// HTTP/2's connection preface with an empty SETTINGS frame.
constexpr absl::string_view kPreface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);

class DrainTest : public ServiceFixture {
 protected:
  /// A stub with a connection of its own, as each of several processes has.
  std::unique_ptr<v1::TokenService::Stub> AnotherClient() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return v1::TokenService::NewStub(
        grpc::CreateCustomChannel(Address(), grpc::InsecureChannelCredentials(), arguments));
  }

  void HangTheAuthority() {
    DevAuthority::Fault hang;
    hang.hang = true;
    authority_->AddFault(hang);
  }

  void WaitForTokenRequests(long count) const {
    while (TokenRequests() < count) absl::SleepFor(absl::Milliseconds(2));
  }
};

TEST_F(DrainTest, LetsRunningCallsEnd) {
  Start({}, kForever);
  DevAuthority::Fault slow;
  slow.latency = absl::Milliseconds(500);
  authority_->AddFault(slow);
  grpc::Status status;
  v1::AcquireForClientResponse response;
  std::thread caller([&] { status = Acquire(Request(), &response); });
  WaitForTokenRequests(1);
  server_->Drain();
  caller.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(DrainTest, AnswersWhoStillWaitsWhenTheTimeIsUp) {
  Start({}, "server: {drain_timeout: 0s}\n");
  HangTheAuthority();
  ReadStatus status;
  std::thread caller([&] { status = MustFail(Request()); });
  WaitForTokenRequests(1);
  server_->Drain();
  caller.join();
  EXPECT_EQ(status.code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.reason, "DRAINING");
}

TEST_F(DrainTest, AServerThatEndsWithoutADrainWaitsForNobody) {
  Start();
  HangTheAuthority();
  const SilentPeer idle(Address(), kPreface);
  grpc::Status status;
  v1::AcquireForClientResponse response;
  std::thread caller([&] { status = Acquire(Request(), &response, absl::Minutes(1)); });
  WaitForTokenRequests(1);
  absl::Notification ended;
  std::thread end([&] {
    server_.reset();
    ended.Notify();
  });
  EXPECT_TRUE(ended.WaitForNotificationWithTimeout(absl::Seconds(15)));
  end.join();
  caller.join();
  EXPECT_FALSE(status.ok());
}

TEST_F(DrainTest, SendsCallersThatGoOnCallingElsewhere) {
  Start({}, kForever);
  MustAcquire(Request());
  constexpr int kClients = 16;
  std::vector<grpc::Status> ends(kClients);
  std::atomic<int> running{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      const auto stub = AnotherClient();
      for (bool first = true; ends[i].ok(); first = false) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
        v1::AcquireForClientResponse response;
        ends[i] = stub->AcquireForClient(&context, Request(), &response);
        if (first) ++running;
      }
    });
  }
  while (running < kClients) absl::SleepFor(absl::Milliseconds(2));
  server_->Drain();
  for (std::thread& client : clients) client.join();

  int told = 0;
  for (const grpc::Status& end : ends) {
    // Without details: it found nobody listening any more.
    EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE) << end.error_message();
    if (end.error_details().empty()) continue;
    const ReadStatus read = Read(end);
    EXPECT_EQ(read.reason, "DRAINING");
    EXPECT_EQ(read.retry_after, absl::ZeroDuration());
    EXPECT_NE(read.correlation_id, "");
    ++told;
  }
  EXPECT_GT(told, 0);
}

TEST_F(DrainTest, DoesNotWaitForClientsThatHaveNoCall) {
  Start({}, kForever);
  MustAcquire(Request());
  const SilentPeer connected(Address(), "");
  const SilentPeer idle(Address(), kPreface);
  absl::Notification drained;
  std::thread drain([&] {
    server_->Drain();
    drained.Notify();
  });
  // gRPC gives up on an answer to its goodbye after 20 s; nobody is to wait for that.
  EXPECT_TRUE(drained.WaitForNotificationWithTimeout(absl::Seconds(15)));
  drain.join();
}

TEST_F(DrainTest, TellsAHealthWatchAndDoesNotWaitForIt) {
  Start({}, kForever);
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  grpc::CompletionQueue events;
  const auto finished = [&events] {
    void* tag = nullptr;
    bool ok = false;
    return events.Next(&tag, &ok) && ok;
  };
  const auto watch = stub.PrepareCall(&context, "/grpc.health.v1.Health/Watch", &events);
  watch->StartCall(nullptr);
  ASSERT_TRUE(finished());
  const grpc::Slice everything;  // HealthCheckRequest{service = ""}
  watch->WriteLast(grpc::ByteBuffer(&everything, 1), {}, nullptr);
  ASSERT_TRUE(finished());
  const auto read = [&]() -> std::string {
    grpc::ByteBuffer bytes;
    grpc::Slice whole;
    watch->Read(&bytes, nullptr);
    if (!finished() || !bytes.DumpToSingleSlice(&whole).ok()) return "the end";
    return std::string(reinterpret_cast<const char*>(whole.begin()), whole.size());
  };
  // HealthCheckResponse{status}: SERVING, then NOT_SERVING.
  EXPECT_EQ(read(), std::string("\x08\x01", 2));
  std::thread drain([this] { server_->Drain(); });
  EXPECT_EQ(read(), std::string("\x08\x02", 2));
  EXPECT_EQ(read(), "the end");
  drain.join();
  grpc::Status status;
  watch->Finish(&status, nullptr);
  finished();
  events.Shutdown();
}

}  // namespace
}  // namespace tokensvc::testing
