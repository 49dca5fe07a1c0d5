// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "service/config/config_reloader.h"
#include "service/config/load_config.h"
#include "service/config/policy_expectations.h"
#include "service/config/reload_requests.h"
#include "service/rpc/library_logs.h"
#include "service/server.h"
#include "service/telemetry/json_logger.h"

namespace tokensvc {
namespace {

constexpr char kDescription[] =
    "Token Service: hands out OAuth 2.0 access tokens over gRPC, from a cache where it can.\n"
    "\n"
    "Signals: SIGTERM and SIGINT drain and end it; SIGHUP reads the configuration again (so does "
    "a\n"
    "change of the file) and opens the audit file anew. Logs are JSON lines on standard error.";
constexpr char kFooter[] =
    "Examples:\n"
    "  tokensvc-server --config tokensvc.yaml --check-config\n"
    "  tokensvc-server --config tokensvc.yaml\n"
    "The configuration is described in docs/CONFIGURATION.md; a first token takes ./dev "
    "quickstart.";

/// Sent by this process to itself, so that Supervise looks up.
constexpr int kWake = SIGUSR1;

struct Flags {
  std::string config;
  std::string ready_file;
  std::string policy_test;
  bool check_config = false;
};

LogSeverity SeverityOf(const config::v1::ServiceConfig& config) {
  switch (config.log().level()) {
    case config::v1::LOG_LEVEL_DEBUG:
      return LogSeverity::kDebug;
    case config::v1::LOG_LEVEL_WARNING:
      return LogSeverity::kWarning;
    case config::v1::LOG_LEVEL_ERROR:
      return LogSeverity::kError;
    default:
      return LogSeverity::kInfo;
  }
}

/// The process holds client secrets and tokens: no core file and no debugger of the same user may
/// show them.
void ProtectMemory() {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  prctl(PR_SET_DUMPABLE, 0);
}

/// Debian builds Abseil with its search for deadlocks on, which looks at every lock of gRPC's, on
/// every call, for what only tests want to know.
void StopSearchingForDeadlocks() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

void RaiseFileLimit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

/// One line `NAME ADDRESS` for each listener; appears whole or not at all.
bool WriteReadyFile(const std::string& path, const Server& server) {
  const std::string temporary = absl::StrCat(path, ".new");
  std::ofstream out(temporary, std::ios::trunc);
  for (const auto& [name, address] : server.Addresses()) out << name << ' ' << address << '\n';
  out.close();
  return out.good() && std::rename(temporary.c_str(), path.c_str()) == 0;
}

/// Waits for signals, changes of the configuration and requests to read it until it is time to end.
void Supervise(const sigset_t& signals, ReloadRequests& reloads, ConfigReloader& reloader,
               Server& server, Logger& logger) {
  // Asked first in every round: of several that wait, the kernel hands out the lowest number, and
  // one SIGHUP after the other would keep the end away.
  sigset_t end;
  sigemptyset(&end);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&end, signal);
  const timespec at_once{0, 0};
  const timespec poll{1, 0};
  for (;;) {
    if (sigtimedwait(&end, nullptr, &at_once) > 0) return;
    const int signal = sigtimedwait(&signals, nullptr, &poll);
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal == SIGHUP) server.ReopenAuditLog();
    reloads.Serve([&](bool asked) {
      return reloader.Poll(
          asked || signal == SIGHUP, logger,
          [&server](const config::v1::ServiceConfig& config) { return server.Reload(config); });
    });
    server.Poll();
  }
}

/// Prints what becomes of the expectations in `file`; returns the exit status.
int RunPolicyTest(const config::v1::ServiceConfig& config, const std::string& file) {
  const PolicyExpectationsResult expectations = LoadPolicyExpectations(file);
  if (!expectations.ok()) {
    std::cerr << FormatConfigErrors(file, expectations.error());
    return 1;
  }
  const PolicyTestReport report = TestPolicy(config, *expectations);
  std::cout << report.text;
  return report.exit_status();
}

int Run(const Flags& flags) {
  ProtectMemory();
  const SystemClock clock;
  ConfigReloader reloader(flags.config, clock);
  auto loaded = reloader.Read();
  if (!loaded.ok()) {
    std::cerr << FormatConfigErrors(flags.config, loaded.error());
    return 1;
  }
  if (flags.check_config) {
    std::cout << flags.config << ": OK, " << loaded->listeners_size() << " listeners, "
              << loaded->authorities_size() << " authorities, " << loaded->registrations_size()
              << " registrations\n";
    return 0;
  }

  if (!flags.policy_test.empty()) return RunPolicyTest(*loaded, flags.policy_test);

  // Before any thread starts, so that every thread has them blocked and only Supervise takes them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, kWake}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of whoever writes to it
  StopSearchingForDeadlocks();
  RaiseFileLimit();

  JsonLogger logger({.fd = STDERR_FILENO, .level = SeverityOf(*loaded)});
  // From here on nothing but the logger's own thread writes to standard error.
  const LibraryLogs library_logs(logger, clock);
  ReloadRequests reloads([] { kill(getpid(), kWake); });
  auto server = Server::Start(*loaded, clock, logger, &reloads);
  if (!server.ok()) {
    logger.Error("start_failed", {{"why", std::string(server.status().message())}});
    return 1;
  }
  if (!flags.ready_file.empty() && !WriteReadyFile(flags.ready_file, **server)) {
    logger.Error("start_failed", {{"why", "the ready file can't be written"}});
    return 1;
  }
  Supervise(signals, reloads, reloader, **server, logger);
  reloads.Close();
  (*server)->Drain();
  server->reset();
  logger.Info("stopped");
  return 0;
}

}  // namespace
}  // namespace tokensvc

int main(int argc, char** argv) {
  tokensvc::Flags flags;
  CLI::App app(tokensvc::kDescription);
  app.footer(tokensvc::kFooter);
  app.add_option("--config", flags.config, "The configuration, a YAML file")->required();
  app.add_flag("--check-config", flags.check_config,
               "Read and check the configuration, report every mistake, and end");
  app.add_option("--policy-test", flags.policy_test,
                 "Ask the policy what this YAML file expects of it, explain what differs, and end; "
                 "status 1 if anything does (docs/POLICY.md)");
  app.add_option("--ready-file", flags.ready_file,
                 "Write `NAME ADDRESS` of each listener here once they accept calls");
  CLI11_PARSE(app, argc, argv);
  return tokensvc::Run(flags);
}
