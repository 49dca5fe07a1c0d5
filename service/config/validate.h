// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CONFIG_VALIDATE_H_
#define TOKENSVC_SERVICE_CONFIG_VALIDATE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "service/config/config_error.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// Adds errors at keys of a finished message. A key that has an error already gets no second one.
class ConfigReporter {
 public:
  ConfigReporter(const ConfigLocations& locations, ConfigErrorCollector* errors)
      : locations_(locations), errors_(errors) {}

  void Report(const std::string& path, std::string message) {
    if (!errors_->Covers(path)) errors_->Add(path, locations_.Find(path), std::move(message));
  }
  /// Whether what stands at `path` is broken, so that nothing can be said about what refers to it.
  bool Broken(const std::string& path) const { return errors_->Covers(path); }

 private:
  const ConfigLocations& locations_;
  ConfigErrorCollector* errors_;
};

/// Whether `text` is a GUID, in lower or upper case.
bool IsGuid(absl::string_view text);

/// Whether `text` is a tenant: a GUID, or a DNS domain of two labels or more; in lower case.
bool IsTenant(absl::string_view text);

/// Checks what holds between fields, and brings tenants and hosts to lower case. Touches no file.
void ValidateConfig(config::v1::ServiceConfig* config, ConfigReporter* reporter);

/// The part of `ValidateConfig` that is about listeners, and the metrics port beside them.
void ValidateListeners(const config::v1::ServiceConfig& config, ConfigReporter* reporter);

/// The part of `ValidateConfig` that is about `jwt_issuers`.
void ValidateJwtIssuers(config::v1::ServiceConfig* config, ConfigReporter* reporter);

/// The newest format of `cache.redis.record_format`; the cache's, which this folder does not know.
inline constexpr std::uint32_t kNewestRecordFormat = 1;

/// The part of `ValidateConfig` that is about `cache.redis`.
void ValidateRedis(const config::v1::RedisCache& redis, ConfigReporter* reporter);

/// The part of `ValidateConfig` that is about `audit`.
void ValidateAudit(const config::v1::Audit& audit, ConfigReporter* reporter);

/// The part of `ValidateConfig` that is about a managed identity, which stands at `path`.
void ValidateManagedIdentity(const config::v1::ManagedIdentity& identity, const std::string& path,
                             ConfigReporter* reporter);

/// The part of `ValidateConfig` that is about `config->registrations(index)`.
void ValidateRegistration(int index, config::v1::ServiceConfig* config, ConfigReporter* reporter);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CONFIG_VALIDATE_H_
