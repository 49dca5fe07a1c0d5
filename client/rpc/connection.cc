// SPDX-License-Identifier: Apache-2.0
#include "client/rpc/connection.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/core/bearer_jwt.h"
#include "client/core/pem_checks.h"
#include "client/rpc/callback_scope.h"
#include "client/rpc/grpc_status.h"

namespace tokensvc::client {
namespace {

absl::Status Named(absl::string_view options, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(options, ": ", status.message()));
}

absl::StatusOr<std::shared_ptr<const std::string>> MakeCa(const std::vector<Secret>& contents) {
  const absl::string_view pem = contents[0].Reveal();
  if (absl::Status ok = CheckCertificates(pem); !ok.ok()) return Named("ca_file", ok);
  return std::make_shared<const std::string>(pem);
}

absl::StatusOr<std::shared_ptr<const KeyPair>> MakePair(const std::vector<Secret>& contents,
                                                        bool first) {
  const absl::string_view chain = contents[0].Reveal();
  // An expired certificate is better than none, and not better than the one in force.
  const absl::Status ok = CheckKeyPair(chain, contents[1].Reveal(), /*refuse_expired=*/!first);
  if (!ok.ok()) return Named("certificate_file and private_key_file", ok);
  auto pair = std::make_shared<KeyPair>();
  pair->certificate_chain = std::string(chain);
  pair->private_key = contents[1].Clone();
  return pair;
}

absl::StatusOr<std::shared_ptr<const Secret>> MakeAuthorization(
    const std::vector<Secret>& contents) {
  absl::StatusOr<Secret> bearer = BearerOf(contents[0].Reveal());
  if (!bearer.ok()) return Named("jwt_file", bearer.status());
  return std::make_shared<const Secret>(*std::move(bearer));
}

/// Nothing where no file is named.
template <class T, class Make>
absl::Status Follow(std::vector<NamedFile> files, std::size_t max_bytes, Make make,
                    std::unique_ptr<FollowedFiles<const T>>* out) {
  if (files.front().path.empty()) return absl::OkStatus();
  auto opened = FollowedFiles<const T>::Open(std::move(files), max_bytes, std::move(make));
  if (!opened.ok()) return opened.status();
  *out = *std::move(opened);
  return absl::OkStatus();
}

template <class T>
std::shared_ptr<const T> InForce(const std::unique_ptr<FollowedFiles<const T>>& files) {
  return files == nullptr ? nullptr : files->InForce();
}

}  // namespace

absl::StatusOr<std::shared_ptr<Connection>> Connection::Open(const ConnectionOptions& options) {
  if (absl::Status sense = CheckOptions(options); !sense.ok()) return sense;
  const std::shared_ptr<Connection> made(new Connection(options));
  absl::Status read = Follow(
      {{"ca_file", options.ca_file}}, kMaxPemFileBytes,
      [](const std::vector<Secret>& contents, bool) { return MakeCa(contents); }, &made->ca_);
  if (!read.ok()) return read;
  read = Follow({{"certificate_file", options.certificate_file},
                 {"private_key_file", options.private_key_file}},
                kMaxPemFileBytes, MakePair, &made->pair_);
  if (!read.ok()) return read;
  read = Follow(
      {{"jwt_file", options.jwt_file}}, kMaxJwtFileBytes,
      [](const std::vector<Secret>& contents, bool) { return MakeAuthorization(contents); },
      &made->authorization_);
  if (!read.ok()) return read;
  MutexLock lock(&made->mutex_);
  made->material_ = {InForce(made->ca_), InForce(made->pair_)};
  made->stub_ = MakeStub(MakeChannel(options, made->material_));
  return made;
}

std::shared_ptr<Connection> Connection::Over(std::shared_ptr<Stub> stub) {
  const std::shared_ptr<Connection> made(new Connection({}));
  MutexLock lock(&made->mutex_);
  made->stub_ = std::move(stub);
  return made;
}

Connection::ForCall Connection::Next() {
  if (ca_ != nullptr) ca_->Current();
  if (pair_ != nullptr) pair_->Current();
  ForCall next;
  if (authorization_ != nullptr) next.authorization = authorization_->Current();
  std::shared_ptr<Stub> former;  // Ends without the lock.
  MutexLock lock(&mutex_);
  // What is in force only now, or a thread that looked earlier would bring back the former.
  TlsMaterial material{InForce(ca_), InForce(pair_)};
  if (material != material_) {
    material_ = std::move(material);
    former = std::exchange(stub_, MakeStub(MakeChannel(options_, material_)));
  }
  next.stub = stub_;
  return next;
}

absl::Status Connection::Explain(const absl::Status& status) const {
  // UNAVAILABLE with details is an answer of the service, which then took the connection.
  const bool is_suspect =
      absl::IsUnauthenticated(status) ||
      (absl::IsUnavailable(status) && !status.GetPayload(kDetailsPayload).has_value());
  if (!is_suspect) return status;
  absl::Status why;
  if (ca_ != nullptr) why.Update(ca_->Refusal());
  if (pair_ != nullptr) why.Update(pair_->Refusal());
  if (authorization_ != nullptr) why.Update(authorization_->Refusal());
  if (why.ok()) return status;
  absl::Status explained(
      status.code(), absl::StrCat(status.message(),
                                  " (a file changed and was not taken over: ", why.message(), ")"));
  status.ForEachPayload([&explained](absl::string_view type, const absl::Cord& payload) {
    explained.SetPayload(type, payload);
  });
  return explained;
}

}  // namespace tokensvc::client
