// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_ENVIRONMENT_H_
#define TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_ENVIRONMENT_H_

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/worker_pool.h"
#include "service/credential/credential_metrics.h"

namespace tokensvc {

/// What credentials need of the process. All of it outlives every credential and every request.
struct CredentialEnvironment {
  const Clock& clock;
  RandomGenerator& random;
  WorkerPool& workers;
  Logger& logger;
  CredentialMetrics& metrics;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_ENVIRONMENT_H_
