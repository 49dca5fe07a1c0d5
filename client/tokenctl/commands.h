// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_COMMANDS_H_
#define TOKENSVC_CLIENT_TOKENCTL_COMMANDS_H_

#include <istream>
#include <memory>
#include <ostream>

#include "base/clock.h"
#include "client/tokenctl/call_error.h"
#include "client/tokenctl/options.h"
#include "grpcpp/channel.h"
#include "tokensvc/v1/token_service.pb.h"

namespace tokensvc::tokenctl {

/// Where a command reads and writes, so that tests can look on.
struct Console {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  const Clock& clock;
};

using ChannelPtr = std::shared_ptr<grpc::Channel>;

/// Runs `options.command`, making the channel it needs. Blocks; each call waits at most the
/// time-out.
ExitCode RunCommand(const Options& options, const Console& console);

// The commands themselves, over a channel. One result or one error is written: with JSON output
// both go to `out`, with text errors go to `err`.
ExitCode RunAcquire(const Options& options, const ChannelPtr& channel, const Console& console);
ExitCode RunHeader(const Options& options, const ChannelPtr& channel, const Console& console);
ExitCode RunHealth(const Options& options, const ChannelPtr& channel, const Console& console);
ExitCode RunCheck(const Options& options, const ChannelPtr& channel, const Console& console);
ExitCode RunDecode(const Options& options, const Console& console);
ExitCode RunAdmin(const Options& options, const ChannelPtr& channel, const Console& console);
ExitCode RunExplain(const Options& options, const ChannelPtr& channel, const Console& console);
/// Makes, changes and checks key files.
ExitCode RunKeys(const Options& options, const Console& console);

/// Calls `AcquireForClient`; an OK answer without a token counts as INTERNAL.
grpc::Status CallAcquire(const Options& options, const ChannelPtr& channel,
                         v1::AcquireForClientResponse* response);

/// Writes the error where `options.output` says, and tells the exit code.
ExitCode Fail(const grpc::Status& status, const Options& options, const Console& console);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_COMMANDS_H_
