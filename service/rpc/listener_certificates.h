// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_LISTENER_CERTIFICATES_H_
#define TOKENSVC_SERVICE_RPC_LISTENER_CERTIFICATES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_reader.h"
#include "base/log.h"
#include "base/metrics.h"
#include "service/access/certificate_callers.h"
#include "service/rpc/reloading_server_credentials.h"

namespace tokensvc {

/// The TLS files of one listener, followed as they change: the certificate with its key, and the
/// clients' CA. What was read last stays in force while what lies there now is missing, half
/// written, does not fit together or is expired; each change and each refusal is logged once
/// (`listener_certificate_reloaded`, `listener_certificate_refused`).
class ListenerCertificates {
 public:
  struct Options {
    std::string listener;  ///< Its name, for logs and metrics.
    std::string certificate_file;
    std::string private_key_file;
    std::string client_ca_file;  ///< Empty: clients show no certificate.
    /// Is told whom to trust, where there is a client CA. May be null.
    CertificateCallers* callers = nullptr;
  };
  /// All must outlive it, and `clock` the registry.
  struct Dependencies {
    const Clock& clock;
    Logger& logger;
    MetricRegistry& metrics;
  };

  /// Reads the files now. An expired certificate is taken, with a warning in the log: who checks
  /// the times of certificates is the client. Errors name the file's place in the configuration and
  /// hold nothing of its content.
  static absl::StatusOr<std::unique_ptr<ListenerCertificates>> Load(Options options,
                                                                    const Dependencies& needs);

  /// For the listener; lives as long as anybody has it.
  const std::shared_ptr<ReloadingServerCredentials>& credentials() const { return credentials_; }

  /// Takes over what changed. To be called about once a second, by one thread at a time: looks at
  /// the files, and reads them where they changed (blocks).
  void Poll();

 private:
  using Identities = std::vector<std::optional<FileIdentity>>;
  /// Files that are read together.
  struct Followed {
    std::string what;  ///< For logs: which of the listener's files.
    std::vector<std::string> paths;
    Identities accepted;
    std::string digest;  ///< Of the accepted contents.
    /// What was found wanting, once; and whether that was logged. A pair is replaced in two steps,
    /// which is no event: only what is still wrong at the next look is.
    std::optional<Identities> wanting;
    bool logged = false;
  };

  ListenerCertificates(Options options, const Dependencies& needs);

  static Identities Identify(const Followed& files);
  /// Whether new contents were put into `next_`.
  absl::StatusOr<bool> Read(Followed& files, bool first);
  absl::Status AcceptPair(std::vector<Secret> contents, bool first);
  absl::Status AcceptClientCa(const Secret& content);
  void Follow(Followed& files);
  void Publish();

  const Options options_;
  const Clock& clock_;
  Logger& logger_;
  Counter& reloads_;
  Counter& refusals_;
  /// Unix time; the metric outlives this object.
  const std::shared_ptr<std::atomic<std::int64_t>> not_after_;
  Followed pair_, client_ca_;
  ServerTlsMaterial next_;
  std::shared_ptr<ReloadingServerCredentials> credentials_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_LISTENER_CERTIFICATES_H_
