// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/host_name.h"
#include "base/key_ring.h"
#include "service/config/address.h"
#include "service/config/validate.h"

namespace tokensvc {

void ValidateRedis(const config::v1::RedisCache& redis, ConfigReporter* reporter) {
  const std::string path = "cache.redis";
  const auto address = ParseServerAddress(redis.address());
  if (!redis.address().empty() && !address.has_value()) {
    reporter->Report(path + ".address",
                     "must be a host name or an IP address (IPv6 in brackets), a colon and a port, "
                     "for example redis.internal:6379");
  }
  if (address.has_value() && redis.has_plaintext() && !IsLoopbackHost(address->host)) {
    reporter->Report(path + ".plaintext",
                     "is for loopback addresses only: the password and all records would cross the "
                     "network unprotected. Write tls instead");
  }
  if (redis.tls().certificate_file().empty() != redis.tls().private_key_file().empty()) {
    reporter->Report(path + ".tls",
                     "needs both certificate_file and private_key_file for mutual TLS, or neither");
  }
  if (redis.record_format() > kNewestRecordFormat) {
    reporter->Report(
        path + ".record_format",
        absl::StrCat("this release writes formats up to ", kNewestRecordFormat,
                     " only. First bring every replica to a release that reads the newer one, then "
                     "set it (docs/OPERATIONS.md, Upgrades)"));
  }
  if (!redis.username().empty() && redis.password().empty() &&
      !reporter->Broken(path + ".password")) {
    reporter->Report(path + ".password", "is missing: a user cannot log in without one");
  }
  if (!redis.sealing_keys_file().empty() && redis.sealing_keys_file() == redis.index_keys_file()) {
    reporter->Report(path + ".index_keys_file",
                     "must be another file than sealing_keys_file: each ring has its own keys");
  }
}

}  // namespace tokensvc
