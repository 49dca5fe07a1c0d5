// SPDX-License-Identifier: Apache-2.0
#include "service/config/effective_config.h"

#include <google/protobuf/util/message_differencer.h>

namespace tokensvc {

config::v1::ServiceConfig EffectiveConfig(const config::v1::ServiceConfig& start,
                                          const config::v1::ServiceConfig& loaded) {
  config::v1::ServiceConfig effective = start;
  *effective.mutable_authorities() = loaded.authorities();
  *effective.mutable_registrations() = loaded.registrations();
  effective.clear_policy();
  if (loaded.has_policy()) *effective.mutable_policy() = loaded.policy();
  effective.set_policy_file(loaded.policy_file());
  return effective;
}

bool NeedsRestart(const config::v1::ServiceConfig& start, const config::v1::ServiceConfig& loaded) {
  return !google::protobuf::util::MessageDifferencer::Equals(EffectiveConfig(start, loaded),
                                                             loaded);
}

}  // namespace tokensvc
