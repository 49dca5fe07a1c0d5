// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_EFFECTIVE_CONFIG_H_
#define TOKENSVC_SERVICE_CONFIG_EFFECTIVE_CONFIG_H_

#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// What a process that started with `start` runs with once `loaded` was put in force: a reload
/// changes authorities, registrations and policy; all else stays as it was at the start.
config::v1::ServiceConfig EffectiveConfig(const config::v1::ServiceConfig& start,
                                          const config::v1::ServiceConfig& loaded);

/// Whether `loaded` has changes that such a process takes up when it is started again only.
bool NeedsRestart(const config::v1::ServiceConfig& start, const config::v1::ServiceConfig& loaded);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_EFFECTIVE_CONFIG_H_
