// SPDX-License-Identifier: Apache-2.0
#include "client/tokenctl/commands.h"
#include "client/tokenctl/connection.h"
#include "client/tokenctl/file_input.h"
#include "client/tokenctl/jwt_decode.h"
#include "client/tokenctl/printing.h"
#include "client/tokenctl/terminal_text.h"

namespace tokensvc::tokenctl {

ExitCode RunDecode(const Options& options, const Console& console) {
  const bool from_stdin = options.decode_file.empty() || options.decode_file == "-";
  const absl::StatusOr<std::string> token = from_stdin
                                                ? ReadStream(console.in, kMaxTokenBytes)
                                                : ReadFile(options.decode_file, kMaxTokenBytes);
  if (!token.ok() || token->empty()) {
    console.err << "tokenctl: "
                << (from_stdin ? "standard input" : EscapeForTerminal(options.decode_file)) << ": "
                << (token.ok() ? "empty" : EscapeForTerminal(token.status().message())) << "\n";
    return kExitUsage;
  }
  const absl::StatusOr<DecodedJwt> jwt = DecodeJwtUnverified(*token);
  if (!jwt.ok()) {
    console.err << "tokenctl: " << jwt.status().message() << "; " << token->size() << " bytes\n";
    return kExitUsage;
  }
  console.out << (options.output == OutputFormat::kJson ? DecodedJson(*jwt)
                                                        : DecodedText(*jwt, console.clock.Now()));
  return kExitOk;
}

ExitCode RunCommand(const Options& options, const Console& console) {
  if (options.command == Command::kDecode) return RunDecode(options, console);
  if (options.command == Command::kKeys) return RunKeys(options, console);
  const absl::StatusOr<ChannelPtr> channel = MakeChannel(options.connection);
  if (!channel.ok()) {
    console.err << "tokenctl: " << channel.status().message() << "\n";
    return kExitUsage;
  }
  switch (options.command) {
    case Command::kAcquire:
      return RunAcquire(options, *channel, console);
    case Command::kHeader:
      return RunHeader(options, *channel, console);
    case Command::kHealth:
      return RunHealth(options, *channel, console);
    case Command::kCheck:
      return RunCheck(options, *channel, console);
    case Command::kAdmin:
      return RunAdmin(options, *channel, console);
    case Command::kExplain:
      return RunExplain(options, *channel, console);
    case Command::kDecode:
    case Command::kKeys:
      break;
  }
  return kExitUsage;
}

}  // namespace tokensvc::tokenctl
