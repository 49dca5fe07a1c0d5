// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_CONTROL_H_
#define TOKENSVC_TESTS_AUTHORITY_CONTROL_H_

#include <functional>

#include "tests/authority/counters.h"
#include "tests/authority/fault.h"
#include "tests/authority/http_message.h"

namespace tokensvc::devauth {

/// What the control interface can do to the authority that it belongs to.
struct ControlActions {
  std::function<CounterValues()> counters;
  std::function<Form()> last_form;
  std::function<void(Fault)> add_fault;
  std::function<void()> clear_faults;
  std::function<void()> reset;
};

/// Answers a request for a path under `/_control/` (README.md). Gives no secret away.
HttpReply HandleControl(const HttpRequest& request, const ControlActions& actions);

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_CONTROL_H_
