// SPDX-License-Identifier: Apache-2.0
// Where standard input, output or error is closed when the program starts, the next file or socket
// would get its number, and log lines or audit records would go there.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace tokensvc {
namespace {

void FillStandardDescriptors(int, char**, char**) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest number that is free, since those below are taken by now. To be read only: what is
    // written there fails, and is noticed.
    static_cast<void>(open("/dev/null", O_RDONLY));
  }
}

// Before main is too late: gRPC's library has opened descriptors of its own by then. What stands
// here runs before the initialisation of any library.
__attribute__((section(".preinit_array"),
               used)) void (*const kFill)(int, char**, char**) = &FillStandardDescriptors;

}  // namespace
}  // namespace tokensvc
