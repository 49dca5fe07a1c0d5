// SPDX-License-Identifier: Apache-2.0
// The devices: a file that fills up or is moved away, a pipe that nobody reads, a syslog daemon
// that is not there.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "service/telemetry/file_audit_sink.h"
#include "service/telemetry/stream_audit_sink.h"
#include "service/telemetry/syslog_audit_sink.h"
#include "tests/service/telemetry/pipe.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class AuditSinksTest : public ::testing::Test {
 protected:
  AuditSinksTest() {
    folder_ = (std::filesystem::temp_directory_path() / "tokensvc-audit-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~AuditSinksTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Make(const std::string& name, mode_t mode) const {
    std::ofstream(Path(name)) << "before\n";
    EXPECT_EQ(chmod(Path(name).c_str(), mode), 0);
    return Path(name);
  }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat file {};
    EXPECT_EQ(stat(path.c_str(), &file), 0);
    return file.st_mode & 07777;
  }

  std::string folder_;
};

using FileAuditSinkTest = AuditSinksTest;

TEST_F(FileAuditSinkTest, MakesAFileForItsOwnerAlone) {
  const mode_t before = umask(0);
  auto sink = FileAuditSink::Open(Path("audit.log"));
  umask(before);
  ASSERT_TRUE(sink.ok()) << sink.status();
  const AuditSink::Written written = (*sink)->Write("one\ntwo\n");
  EXPECT_TRUE(written.status.ok());
  EXPECT_EQ(written.bytes, 8u);
  EXPECT_TRUE((*sink)->Sync().ok());
  EXPECT_EQ(Read(Path("audit.log")), "one\ntwo\n");
  EXPECT_EQ(ModeOf(Path("audit.log")), 0600u);
}

TEST_F(FileAuditSinkTest, AppendsToAFileThatItsGroupMayRead) {
  auto sink = FileAuditSink::Open(Make("audit.log", 0640));
  ASSERT_TRUE(sink.ok()) << sink.status();
  (*sink)->Write("one\n");
  EXPECT_EQ(Read(Path("audit.log")), "before\none\n");
}

TEST_F(FileAuditSinkTest, RefusesAFileThatOthersMayTouch) {
  for (const mode_t mode : {0660, 0644, 0604, 0602, 0666, 0700}) {
    const auto sink = FileAuditSink::Open(Make("audit.log", mode));
    EXPECT_EQ(sink.status().code(), absl::StatusCode::kFailedPrecondition) << std::oct << mode;
    EXPECT_EQ(sink.status().message().find(folder_), std::string::npos);
  }
}

TEST_F(FileAuditSinkTest, RefusesWhatIsNoRegularFile) {
  Make("real.log", 0600);
  ASSERT_EQ(symlink(Path("real.log").c_str(), Path("link.log").c_str()), 0);
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  for (const char* name : {"link.log", "fifo", ".", "nowhere/audit.log"}) {
    EXPECT_FALSE(FileAuditSink::Open(Path(name)).ok()) << name;
  }
  EXPECT_FALSE(FileAuditSink::Open("/dev/full").ok());
}

TEST_F(FileAuditSinkTest, GoesOnInANewFileAfterTheOldOneWasMovedAway) {
  auto sink = FileAuditSink::Open(Path("audit.log"));
  ASSERT_TRUE(sink.ok());
  (*sink)->Write("one\n");
  std::filesystem::rename(Path("audit.log"), Path("audit.log.1"));
  (*sink)->Write("two\n");
  ASSERT_TRUE((*sink)->Reopen().ok());
  (*sink)->Write("three\n");
  EXPECT_EQ(Read(Path("audit.log.1")), "one\ntwo\n");
  EXPECT_EQ(Read(Path("audit.log")), "three\n");
}

TEST_F(FileAuditSinkTest, KeepsTheOldFileWhereTheNewOneIsRefused) {
  auto sink = FileAuditSink::Open(Path("audit.log"));
  ASSERT_TRUE(sink.ok());
  std::filesystem::rename(Path("audit.log"), Path("audit.log.1"));
  Make("audit.log", 0644);
  EXPECT_FALSE((*sink)->Reopen().ok());
  EXPECT_TRUE((*sink)->Write("two\n").status.ok());
  EXPECT_EQ(Read(Path("audit.log.1")), "two\n");
}

/// No file of this process grows beyond so many bytes while this lives: what a full disk looks
/// like.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(FileAuditSinkTest, TearsNoLineForAReaderWhenTheDiskIsFull) {
  auto sink = FileAuditSink::Open(Path("audit.log"));
  ASSERT_TRUE(sink.ok());
  const std::string lines = "first\nsecond\nthird\n";
  {
    const FileSizeLimit limit(10);
    const AuditSink::Written written = (*sink)->Write(lines);
    EXPECT_FALSE(written.status.ok());
    EXPECT_EQ(written.bytes, 6u) << "one line was written whole";
    EXPECT_EQ((*sink)->Write("more\n").bytes, 0u);
    EXPECT_FALSE((*sink)->Write("more\n").status.ok());
  }
  const AuditSink::Written again = (*sink)->Write(absl::string_view(lines).substr(6));
  EXPECT_TRUE(again.status.ok());
  EXPECT_EQ(again.bytes, 13u);
  EXPECT_EQ(Read(Path("audit.log")), "first\nseco\nsecond\nthird\n");
}

TEST_F(FileAuditSinkTest, BeginsALineOfItsOwnAfterOneThatWasCutShort) {
  // What a process leaves behind that ended while the disk was full.
  std::ofstream(Path("audit.log")) << "whole\ncut sho";
  ASSERT_EQ(chmod(Path("audit.log").c_str(), 0600), 0);
  auto sink = *FileAuditSink::Open(Path("audit.log"));
  EXPECT_TRUE(sink->Write("next\n").status.ok());
  EXPECT_EQ(Read(Path("audit.log")), "whole\ncut sho\nnext\n");
  std::filesystem::rename(Path("audit.log"), Path("audit.log.1"));
  std::ofstream(Path("audit.log")) << "somebody else's cut sho";
  ASSERT_EQ(chmod(Path("audit.log").c_str(), 0600), 0);
  EXPECT_TRUE(sink->Reopen().ok());
  EXPECT_TRUE(sink->Write("last\n").status.ok());
  EXPECT_EQ(Read(Path("audit.log")), "somebody else's cut sho\nlast\n");
}

TEST_F(FileAuditSinkTest, NothingIsOnTheDiskInAFileThatWasRemoved) {
  auto sink = *FileAuditSink::Open(Path("audit.log"));
  EXPECT_TRUE(sink->Write("one\n").status.ok());
  EXPECT_TRUE(sink->Sync().ok());
  std::filesystem::remove(Path("audit.log"));
  EXPECT_TRUE(sink->Write("two\n").status.ok());
  EXPECT_FALSE(sink->Sync().ok());
  EXPECT_TRUE(sink->Write("two\n").status.ok());
  EXPECT_TRUE(sink->Sync().ok());
  EXPECT_EQ(Read(Path("audit.log")), "two\n");
}

TEST(StreamAuditSinkTest, WritesLinesToAPipe) {
  testing::Pipe pipe;
  StreamAuditSink sink(pipe.writing());
  EXPECT_EQ(sink.Write("one\ntwo\n").bytes, 8u);
  EXPECT_EQ(pipe.ReadLine(), "one");
  EXPECT_EQ(pipe.ReadLine(), "two");
}

TEST(StreamAuditSinkTest, GivesUpOnAPipeThatNobodyReadsAndGoesOnWhereItWas) {
  testing::Pipe pipe;
  StreamAuditSink sink(pipe.writing());
  std::string line(1000, 'x');
  line.back() = '\n';
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += line;  // a pipe holds 64 KiB
  std::size_t done = 0;
  const AuditSink::Written written = sink.Write(lines);
  EXPECT_FALSE(written.status.ok());
  EXPECT_GT(written.bytes, 0u);
  EXPECT_EQ(written.bytes % line.size(), 0u);
  EXPECT_EQ(fcntl(pipe.writing(), F_GETFL) & O_NONBLOCK, 0) << "others use it, too";
  done = written.bytes;

  int whole = 0;
  std::thread reader([&] {
    while (const std::optional<std::string> read = pipe.ReadLine()) {
      whole += read->size() == line.size() - 1;
    }
  });
  while (done < lines.size()) done += sink.Write(absl::string_view(lines).substr(done)).bytes;
  pipe.CloseWriting();
  reader.join();
  EXPECT_EQ(whole, 300) << "the one that was torn came again";
  EXPECT_EQ(done, lines.size());
}

TEST(StreamAuditSinkTest, NeitherWaitsForAStuckSocketNorDiesOfOneThatIsGone) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  StreamAuditSink sink(ends[0]);
  const std::string lines(4 << 20, '\n');
  EXPECT_FALSE(sink.Write(lines).status.ok());
  close(ends[1]);
  EXPECT_FALSE(sink.Write("one\n").status.ok());
  close(ends[0]);
}

TEST(StreamAuditSinkTest, ReportsAFullDisk) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  StreamAuditSink sink(full);
  const AuditSink::Written written = sink.Write("one\n");
  EXPECT_EQ(written.bytes, 0u);
  EXPECT_THAT(std::string(written.status.message()), HasSubstr("No space left"));
  close(full);
}

class SyslogAuditSinkTest : public AuditSinksTest {
 protected:
  ~SyslogAuditSinkTest() override { StopDaemon(); }

  void StartDaemon() {
    unlink(Path("log").c_str());
    daemon_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = Path("log");
    std::copy(path.begin(), path.end(), address.sun_path);
    ASSERT_EQ(bind(daemon_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  void StopDaemon() {
    if (daemon_ >= 0) close(daemon_);
    daemon_ = -1;
  }
  std::string Receive() const {
    char bytes[4096];
    const ssize_t size = recv(daemon_, bytes, sizeof(bytes), 0);
    return std::string(bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }

  int daemon_ = -1;
  testing::FakeClock clock_;
};

TEST_F(SyslogAuditSinkTest, SendsEachLineAsAMessageOfItsOwn) {
  StartDaemon();
  SyslogAuditSink sink(Path("log"), clock_);
  EXPECT_EQ(sink.Write("{\"a\":1}\n{\"b\":2}\n").bytes, 16u);
  EXPECT_THAT(Receive(),
              MatchesRegex("<86>Jan  [12] [0-9:]{8} tokensvc\\[[0-9]+\\]: \\{\"a\":1\\}"));
  EXPECT_THAT(Receive(), HasSubstr("]: {\"b\":2}"));
}

TEST_F(SyslogAuditSinkTest, FindsTheDaemonWheneverItComes) {
  SyslogAuditSink sink(Path("log"), clock_);
  EXPECT_FALSE(sink.Write("lost\n").status.ok());
  StartDaemon();
  EXPECT_TRUE(sink.Write("one\n").status.ok());
  EXPECT_THAT(Receive(), HasSubstr("one"));
  StopDaemon();
  EXPECT_FALSE(sink.Write("lost\n").status.ok());
  StartDaemon();
  EXPECT_TRUE(sink.Write("two\n").status.ok());
  EXPECT_THAT(Receive(), HasSubstr("two"));
}

TEST_F(SyslogAuditSinkTest, DoesNotWaitForADaemonThatTakesNothing) {
  StartDaemon();
  SyslogAuditSink sink(Path("log"), clock_);
  AuditSink::Written written;
  std::string line(1000, 'x');
  line.back() = '\n';
  for (int i = 0; i < 10'000 && written.status.ok(); ++i) written = sink.Write(line);
  EXPECT_FALSE(written.status.ok());
  EXPECT_EQ(written.bytes, 0u);
  Receive();
  EXPECT_TRUE(sink.Write(line).status.ok());
}

}  // namespace
}  // namespace tokensvc
