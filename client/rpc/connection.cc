// SPDX-License-Identifier: Apache-2.0
#include "client/rpc/connection.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/core/bearer_jwt.h"
#include "client/core/pem_checks.h"
#include "client/rpc/callback_scope.h"
#include "client/rpc/channel.h"

namespace tokensvc::client {
namespace {

constexpr char kJwtFile[] = "jwt_file";

absl::StatusOr<std::shared_ptr<const Secret>> MakeAuthorization(
    const std::vector<Secret>& contents) {
  absl::StatusOr<Secret> bearer = BearerOf(contents.front().Reveal());
  if (!bearer.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(kJwtFile, ": ", bearer.status().message()));
  }
  return std::make_shared<const Secret>(*std::move(bearer));
}

}  // namespace

absl::StatusOr<std::shared_ptr<Connection>> Connection::Open(const ConnectionOptions& options) {
  if (absl::Status sense = CheckOptions(options); !sense.ok()) return sense;
  auto stubs = Stubs::Open(ChannelFiles(options), kMaxPemFileBytes,
                           [options](const std::vector<Secret>& contents,
                                     bool first) -> absl::StatusOr<std::shared_ptr<Stub>> {
                             absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
                                 MakeChannel(options, contents, first);
                             if (!channel.ok()) return channel.status();
                             return MakeStub(*channel);
                           });
  if (!stubs.ok()) return stubs.status();
  std::unique_ptr<Authorizations> authorizations;
  if (!options.jwt_file.empty()) {
    auto opened = Authorizations::Open(
        {{kJwtFile, options.jwt_file}}, kMaxJwtFileBytes,
        [](const std::vector<Secret>& contents, bool) { return MakeAuthorization(contents); });
    if (!opened.ok()) return opened.status();
    authorizations = *std::move(opened);
  }
  return std::shared_ptr<Connection>(new Connection(*std::move(stubs), std::move(authorizations)));
}

std::shared_ptr<Connection> Connection::Over(std::shared_ptr<Stub> stub) {
  auto stubs = Stubs::Open({}, 0, [stub = std::move(stub)](const std::vector<Secret>&, bool) {
    return absl::StatusOr<std::shared_ptr<Stub>>(stub);
  });
  return std::shared_ptr<Connection>(new Connection(*std::move(stubs), nullptr));
}

Connection::Connection(std::unique_ptr<Stubs> stubs, std::unique_ptr<Authorizations> authorizations)
    : stubs_(std::move(stubs)), authorizations_(std::move(authorizations)) {}

Connection::ForCall Connection::Next() {
  return {stubs_->Current(), authorizations_ == nullptr ? nullptr : authorizations_->Current()};
}

absl::Status Connection::Explain(const absl::Status& status) const {
  if (!absl::IsUnauthenticated(status) && !absl::IsUnavailable(status)) return status;
  absl::Status why = stubs_->Refusal();
  if (why.ok() && authorizations_ != nullptr) why = authorizations_->Refusal();
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
