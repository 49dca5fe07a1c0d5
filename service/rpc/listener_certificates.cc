// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/listener_certificates.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "service/jose/pem_certificates.h"
#include "service/jose/thumbprint.h"
#include "service/jose/tls_key_pair.h"

namespace tokensvc {
namespace {

// A bundle of all public certification authorities is about 250 KiB.
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTrustedCertificates = 1024;

}  // namespace

ListenerCertificates::ListenerCertificates(Options options, const Dependencies& needs)
    : options_(std::move(options)),
      clock_(needs.clock),
      logger_(needs.logger),
      reloads_(needs.metrics.AddCounter("tokensvc_listener_certificate_reloads_total",
                                        "Times that changed TLS files of a listener were taken "
                                        "over.",
                                        {{"listener", options_.listener}})),
      refusals_(needs.metrics.AddCounter("tokensvc_listener_certificate_refusals_total",
                                         "Changed TLS files of a listener that could not be taken "
                                         "over.",
                                         {{"listener", options_.listener}})),
      not_after_(std::make_shared<std::atomic<std::int64_t>>(0)) {
  pair_.what = "certificate";
  pair_.paths = {options_.certificate_file, options_.private_key_file};
  client_ca_.what = "client_ca";
  if (!options_.client_ca_file.empty()) client_ca_.paths = {options_.client_ca_file};
}

absl::StatusOr<std::unique_ptr<ListenerCertificates>> ListenerCertificates::Load(
    Options options, const Dependencies& needs) {
  std::unique_ptr<ListenerCertificates> made(new ListenerCertificates(std::move(options), needs));
  for (Followed* files : {&made->pair_, &made->client_ca_}) {
    const absl::StatusOr<bool> read = made->Read(*files, /*first=*/true);
    if (!read.ok()) {
      return absl::Status(read.status().code(),
                          absl::StrCat("listener ", made->options_.listener, ": tls: ", files->what,
                                       ": ", read.status().message()));
    }
  }
  made->Publish();
  needs.metrics.AddComputed(
      "tokensvc_listener_certificate_seconds_to_expiry",
      "Seconds until the certificate of a listener ends.",
      [not_after = made->not_after_, &clock = needs.clock] {
        return absl::ToDoubleSeconds(absl::FromUnixSeconds(not_after->load()) - clock.Now());
      },
      {{"listener", made->options_.listener}});
  return made;
}

void ListenerCertificates::Poll() {
  Follow(pair_);
  Follow(client_ca_);
}

ListenerCertificates::Identities ListenerCertificates::Identify(const Followed& files) {
  Identities identities;
  for (const std::string& path : files.paths) identities.push_back(IdentifyFile(path));
  return identities;
}

void ListenerCertificates::Follow(Followed& files) {
  const Identities present = Identify(files);
  if (present == files.accepted) {
    files.wanting.reset();
    return;
  }
  const absl::StatusOr<bool> read = Read(files, /*first=*/false);
  if (!read.ok()) {
    if (files.wanting != present) {
      files.wanting = present;
      files.logged = false;
    } else if (!files.logged) {
      files.logged = true;
      refusals_.Increment();
      logger_.Warning("listener_certificate_refused",
                      {{"listener", options_.listener},
                       {"files", files.what},
                       {"reason", std::string(read.status().message())}});
    }
    return;
  }
  files.wanting.reset();
  if (!*read) return;  // Touched, or replaced by the same.
  Publish();
  reloads_.Increment();
  logger_.Info("listener_certificate_reloaded",
               {{"listener", options_.listener}, {"files", files.what}});
}

absl::StatusOr<bool> ListenerCertificates::Read(Followed& files, bool first) {
  Identities identities;
  std::vector<Secret> contents;
  std::string digest;
  for (const std::string& path : files.paths) {
    absl::StatusOr<FileContent> file = ReadSmallFile(path, kMaxFileBytes);
    if (!file.ok()) return file.status();
    if (path == options_.private_key_file && (file->permissions & S_IROTH) != 0) {
      return absl::FailedPreconditionError(
          "everyone on the machine may read the private key: chmod o-r it");
    }
    absl::StrAppend(&digest, Sha256(file->bytes.Reveal()));
    identities.emplace_back(file->identity);
    contents.push_back(std::move(file->bytes));
  }
  // A file that was replaced while the next one was read does not belong to it.
  if (Identify(files) != identities) {
    return absl::AbortedError("the files changed while they were read");
  }
  const bool changed = digest != files.digest;
  if (changed) {
    const absl::Status accepted = &files == &pair_ ? AcceptPair(std::move(contents), first)
                                                   : AcceptClientCa(contents.front());
    if (!accepted.ok()) return accepted;
    files.digest = std::move(digest);
  }
  files.accepted = std::move(identities);
  return changed;
}

absl::Status ListenerCertificates::AcceptPair(std::vector<Secret> contents, bool first) {
  const absl::StatusOr<CertificateTimes> times = CheckTlsKeyPair(contents[0].Reveal(), contents[1]);
  if (!times.ok()) return times.status();
  const absl::Time now = clock_.Now();
  const bool expired = now >= times->not_after;
  if (!first && expired) return absl::FailedPreconditionError("the certificate is expired");
  if (!first && now < times->not_before) {
    return absl::FailedPreconditionError("the certificate is not yet valid");
  }
  if (expired) {
    logger_.Warning("listener_certificate_expired", {{"listener", options_.listener}});
  }
  next_.certificate_chain = std::string(contents[0].Reveal());
  next_.private_key = std::move(contents[1]);
  not_after_->store(absl::ToUnixSeconds(times->not_after));
  return absl::OkStatus();
}

absl::Status ListenerCertificates::AcceptClientCa(const Secret& content) {
  std::string bundle(content.Reveal());
  // The handshake's own reader stops at a NUL, and would trust less than is written.
  if (bundle.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("certificates: the file is no text");
  }
  const auto certificates = ReadPemCertificates(bundle, kMaxTrustedCertificates);
  if (!certificates.ok()) return certificates.status();
  // Calls before handshakes: nobody gets through a handshake to be refused by what is older.
  if (options_.callers != nullptr) {
    if (absl::Status trusted = options_.callers->Trust(bundle); !trusted.ok()) return trusted;
  }
  next_.client_ca = std::move(bundle);
  return absl::OkStatus();
}

void ListenerCertificates::Publish() {
  auto material = std::make_shared<ServerTlsMaterial>();
  material->certificate_chain = next_.certificate_chain;
  material->private_key = next_.private_key.Clone();
  material->client_ca = next_.client_ca;
  if (credentials_ == nullptr) {
    credentials_ = std::make_shared<ReloadingServerCredentials>(std::move(material));
  } else {
    credentials_->Set(std::move(material));
  }
}

}  // namespace tokensvc
