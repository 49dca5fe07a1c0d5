// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_CALL_ERRORS_H_
#define TOKENSVC_SERVICE_SOURCE_CALL_ERRORS_H_

#include "service/authority/error.h"

namespace tokensvc {

/// What a call gets that finds no place to wait, in all or for its tenant.
Error Overloaded();
/// The same, where its own caller has all the places that it may have.
Error TooManyOfOneCaller();
/// What a call gets that waited as long as it could.
Error DeadlineCame();
/// The authority took longer to answer than its token lives.
Error CameTooLate();

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_CALL_ERRORS_H_
