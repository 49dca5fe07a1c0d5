// SPDX-License-Identifier: Apache-2.0
#include "tests/cache/redis/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tokensvc::testing {
namespace {

constexpr char kProgram[] = "/usr/bin/redis-server";

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

// Null: nobody listens.
Context Connect(int port) {
  Context context(redisConnectWithTimeout("127.0.0.1", port, timeval{5, 0}));
  if (context == nullptr || context->err != 0) return nullptr;
  redisSetTimeout(context.get(), timeval{5, 0});
  return context;
}

std::string ToText(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_NIL:
      return "(nil)";
    case REDIS_REPLY_INTEGER:
      return absl::StrCat(reply.integer);
    case REDIS_REPLY_ARRAY: {
      std::string text;
      for (std::size_t i = 0; i < reply.elements; ++i) {
        absl::StrAppend(&text, ToText(*reply.element[i]), "\n");
      }
      return text;
    }
    default:
      return std::string(reply.str, reply.len);
  }
}

}  // namespace

std::uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0) std::abort();
  ::close(fd);
  return ntohs(address.sin_port);
}

bool RedisServer::Installed() { return ::access(kProgram, X_OK) == 0; }

RedisServer::RedisServer() : RedisServer(Options()) {}

RedisServer::RedisServer(Options options)
    : options_(std::move(options)), port_(FreePort()), tls_port_(FreePort()) {
  std::string directory = std::filesystem::temp_directory_path() / "redis-test-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) std::abort();
  directory_ = directory;
  Start();
}

RedisServer::~RedisServer() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void RedisServer::Start() {
  std::vector<std::string> words = {kProgram,
                                    "--port",
                                    absl::StrCat(port_),
                                    "--bind",
                                    "127.0.0.1",
                                    "--dir",
                                    directory_,
                                    "--save",
                                    "",
                                    "--appendonly",
                                    "no",
                                    "--logfile",
                                    directory_ + "/log",
                                    "--daemonize",
                                    "no"};
  if (!options_.certificate_file.empty()) {
    for (const std::string& word : std::vector<std::string>{
             "--tls-port", absl::StrCat(tls_port_), "--tls-cert-file", options_.certificate_file,
             "--tls-key-file", options_.key_file, "--tls-ca-cert-file", options_.ca_file,
             "--tls-auth-clients", "yes"}) {
      words.push_back(word);
    }
  }
  if (!options_.acl.empty()) {
    std::ofstream file(directory_ + "/users.acl");
    for (const std::string& line : options_.acl) file << line << "\n";
    words.insert(words.end(), {"--aclfile", directory_ + "/users.acl"});
  }
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // It logs to a file. One that outlives a test program that was killed must not keep the pipe open
  // to which that wrote, or who reads there would wait for it.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  const int failed =
      ::posix_spawn(&process_, kProgram, &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) std::abort();
  for (int i = 0; !Answers(); ++i) {
    if (i == 2000) std::abort();
    absl::SleepFor(absl::Milliseconds(10));
  }
}

bool RedisServer::Answers() const {
  const std::string answer = Command({"PING"});
  return answer == "PONG" || answer.rfind("NOPERM", 0) == 0 || answer.rfind("NOAUTH", 0) == 0;
}

void RedisServer::Kill() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

void RedisServer::Restart() {
  Kill();
  Start();
}

void RedisServer::Pause() { ::kill(process_, SIGSTOP); }
void RedisServer::Resume() { ::kill(process_, SIGCONT); }

std::string RedisServer::Command(const std::vector<std::string>& arguments) const {
  const Context context = Connect(port_);
  if (context == nullptr) return "(no connection)";
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const std::string& argument : arguments) {
    words.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  const Reply reply(static_cast<redisReply*>(redisCommandArgv(
      context.get(), static_cast<int>(words.size()), words.data(), lengths.data())));
  return reply == nullptr ? "(no reply)" : ToText(*reply);
}

std::vector<std::string> RedisServer::Monitor(const std::function<void()>& work) const {
  constexpr char kEnd[] = "end-of-the-monitored-work";
  const Context context = Connect(port_);
  if (context == nullptr) std::abort();
  std::vector<std::string> lines;
  if (Reply(static_cast<redisReply*>(redisCommand(context.get(), "MONITOR"))) == nullptr) {
    std::abort();
  }
  work();
  Command({"ECHO", kEnd});
  while (true) {
    void* raw = nullptr;
    if (redisGetReply(context.get(), &raw) != REDIS_OK) std::abort();
    const Reply reply(static_cast<redisReply*>(raw));
    std::string line = ToText(*reply);
    if (line.find(kEnd) != std::string::npos) return lines;
    lines.push_back(std::move(line));
  }
}

int RedisServer::Calls(const std::string& command) const {
  const std::string info = Command({"INFO", "commandstats"});
  const std::string head = absl::StrCat("cmdstat_", command, ":calls=");
  const std::size_t found = info.find(head);
  if (found == std::string::npos) return 0;
  return std::atoi(info.c_str() + found + head.size());
}

}  // namespace tokensvc::testing
