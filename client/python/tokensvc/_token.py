# SPDX-License-Identifier: Apache-2.0
"""Access tokens, which never show themselves."""

import dataclasses
from typing import NamedTuple


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and what is known about it. Times are Unix times in seconds.

    `repr` and `str` leave the token out: only `value` and `authorization_header` reveal it.
    """

    value: str = dataclasses.field(repr=False)
    """The token, as it came. Opaque to everybody but the resource."""
    expires_at: float
    """When it stops working."""
    refresh_at: float = 0.0
    """When the service will fetch the next one."""
    near_cache_until: float = 0.0
    """Until when it may be kept without asking again, by this machine's clock where `near_cache_for` is known;
    0: it may not."""
    near_cache_for: float | None = None
    """How many seconds it may be kept, and `expires_in` how many it works, counted from before the request
    was sent: right also where this machine's clock and the service's differ, which the times above are not.
    None: the service is older than these fields."""
    expires_in: float | None = None
    granted_scopes: tuple[str, ...] = ()
    tenant: str = ""
    """The authority tenant that issued it; empty for authorities without tenants."""
    source: str = ""
    """`AUTHORITY`, `SHARED_CACHE`, `LOCAL_CACHE`, or empty: what answered the call that brought it."""
    correlation_id: str = ""
    """Of the call that brought it, which may be an earlier one."""

    @property
    def authorization_header(self) -> str:
        """`Bearer <token>`: the value of an HTTP `Authorization` header (RFC 6750 §2.1)."""
        return "Bearer " + self.value


class AccessToken(NamedTuple):
    """What Azure's `TokenCredential.get_token` answers: the token and when it stops working."""

    token: str
    expires_on: int
    """Unix time in seconds."""

    def __repr__(self) -> str:
        return f"AccessToken(token=<redacted>, expires_on={self.expires_on})"


@dataclasses.dataclass(frozen=True, slots=True)
class AccessTokenInfo:
    """What Azure's `SupportsTokenInfo.get_token_info` answers."""

    token: str = dataclasses.field(repr=False)
    expires_on: int
    """Unix time in seconds, as `refresh_on`."""
    token_type: str = "Bearer"
    refresh_on: int | None = None
    """When to ask again: until then it may be kept."""
