// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>

#include "base/clock.h"
#include "client/tokenctl/commands.h"
#include "client/tokenctl/options.h"

int main(int argc, char** argv) {
  using namespace tokensvc::tokenctl;  // NOLINT(google-build-using-namespace): main is all there
                                       // is.
  const auto options = ParseOptions(argc, argv);
  if (!options.ok()) {
    (options.error().code == kExitOk ? std::cout : std::cerr) << options.error().text;
    return options.error().code;
  }
  // gRPC's own log would stand between our lines; whoever wants it sets the variable.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const tokensvc::SystemClock clock;
  const Console console{std::cout, std::cerr, std::cin, clock};
  return RunCommand(*options, console);
}
