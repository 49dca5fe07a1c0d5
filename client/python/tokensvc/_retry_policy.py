# SPDX-License-Identifier: Apache-2.0
"""When a call is tried again (as client/core/retry_policy.h)."""

from grpc import StatusCode

MAX_RETRIES = 2
"""After the first attempt of a call, at most."""

# The random part is up to a fifth of the delay, and never less than this much is drawn from: "retry at
# once" must not bring everybody back in one instant.
_JITTER_SHARE = 0.2
_LEAST_JITTER_SECONDS = 0.05


def delay_before_retry(code: StatusCode, retry_delay: float | None, retries_before: int, time_left: float,
                       random: float) -> float | None:
    """How many seconds to wait before the next attempt; none: the failure is the call's result.

    The service retries nothing itself, and it knows when a retry makes sense: only UNAVAILABLE and
    RESOURCE_EXHAUSTED with a RetryInfo (`retry_delay`, seconds) that ends before the deadline
    (`time_left`, seconds) are tried again, never earlier than told, and later by a random part.
    `random` is uniform in [0, 1).
    """
    if code not in (StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED):
        return None
    if retry_delay is None or retries_before >= MAX_RETRIES:
        return None
    asked = max(retry_delay, 0.0)
    delay = asked + random * max(asked * _JITTER_SHARE, _LEAST_JITTER_SECONDS)
    return delay if delay < time_left else None
