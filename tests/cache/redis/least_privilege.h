// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_REDIS_LEAST_PRIVILEGE_H_
#define TOKENSVC_TESTS_CACHE_REDIS_LEAST_PRIVILEGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cache/redis/redis_options.h"

namespace tokensvc::testing {

/// The password of the service's user in these tests.
inline constexpr char kServicePassword[] = "correct horse battery staple";

/// The lines of deploy/redis/users.acl with that password, and the default user allowed everything,
/// for the test's own questions.
std::vector<std::string> LeastPrivilegeAcl();

/// The commands that the service's user may run, in `INFO commandstats`' notation.
std::vector<std::string> AllowedCommands();

/// Connects as the service's user.
RedisOptions ServiceUserOptions(std::uint16_t port);

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_REDIS_LEAST_PRIVILEGE_H_
