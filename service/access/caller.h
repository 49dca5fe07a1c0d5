// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_CALLER_H_
#define TOKENSVC_SERVICE_ACCESS_CALLER_H_

#include <string>

namespace tokensvc {

/// The workload that asks, as the listener established it. Until listeners establish identities,
/// every caller of a listener is that listener's name.
struct Caller {
  std::string name;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_CALLER_H_
