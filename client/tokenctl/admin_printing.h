// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_TOKENCTL_ADMIN_PRINTING_H_
#define TOKENSVC_CLIENT_TOKENCTL_ADMIN_PRINTING_H_

#include <string>

#include "absl/time/time.h"
#include "base/json.h"
#include "tokensvc/admin/v1/admin_service.pb.h"

namespace tokensvc::tokenctl {

// What tokenctl says of an AdminService's answer. Text ends in a line end and is safe for a
// terminal whatever the server sent.

std::string BuildInfoText(const admin::v1::GetBuildInfoResponse& response, absl::Time now);
Json BuildInfoJson(const admin::v1::GetBuildInfoResponse& response);

/// The YAML itself, with a comment in front.
std::string ConfigurationText(const admin::v1::GetEffectiveConfigurationResponse& response,
                              absl::Time now);
Json ConfigurationJson(const admin::v1::GetEffectiveConfigurationResponse& response);

std::string CacheText(const admin::v1::GetCacheStatisticsResponse& response, absl::Time now);
Json CacheJson(const admin::v1::GetCacheStatisticsResponse& response);

std::string KeyRingsText(const admin::v1::GetKeyRingsResponse& response, absl::Time now);
Json KeyRingsJson(const admin::v1::GetKeyRingsResponse& response);

std::string PurgeText(const admin::v1::PurgeCacheResponse& response, absl::Time now);
Json PurgeJson(const admin::v1::PurgeCacheResponse& response);

std::string ReloadText(const admin::v1::ReloadResponse& response, absl::Time now);
Json ReloadJson(const admin::v1::ReloadResponse& response);

std::string TestPolicyText(const admin::v1::TestPolicyResponse& response, absl::Time now);
Json TestPolicyJson(const admin::v1::TestPolicyResponse& response);

std::string ExplainText(const admin::v1::ExplainAccessResponse& response, absl::Time now);
Json ExplainJson(const admin::v1::ExplainAccessResponse& response);

}  // namespace tokensvc::tokenctl

#endif  // TOKENSVC_CLIENT_TOKENCTL_ADMIN_PRINTING_H_
