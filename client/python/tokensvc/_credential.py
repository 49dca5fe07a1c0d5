# SPDX-License-Identifier: Apache-2.0
"""The shape that Azure's client libraries want of a credential, without depending on them."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tokensvc._client import TokenServiceClient
from tokensvc._token import AccessToken, AccessTokenInfo, Token


class TokenServiceCredential:
    """A `TokenCredential` (azure.core.credentials) for one registration.

    Give it to any client of Azure's libraries. `claims` is sent on as the claims challenge and `tenant_id`
    as the tenant. Whether tokens can be revoked within their lifetime (`enable_cae`) is the registration's
    setting, so that argument, and any other that a library passes, changes nothing. Errors as the
    client's. Thread-safe.
    """

    def __init__(self, client: TokenServiceClient, registration: str, *, tenant: str = "") -> None:
        """`client` stays the caller's and may serve many credentials; `tenant` where a call names none."""
        self._client = client
        self._registration = registration
        self._tenant = tenant

    def get_token(self, *scopes: str, claims: str | None = None, tenant_id: str | None = None,
                  enable_cae: bool = False, **kwargs: Any) -> AccessToken:
        """The token and its expiry. ValueError without a scope."""
        token = self._acquire(scopes, claims, tenant_id)
        return AccessToken(token.value, int(token.expires_at))

    def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> AccessTokenInfo:
        """The same with the time after which to ask again, which Azure's libraries obey.

        `options`: `claims`, `tenant_id` and `enable_cae`, as `get_token`.
        """
        options = options or {}
        token = self._acquire(scopes, options.get("claims"), options.get("tenant_id"))
        # Never 0, which would mean that nothing is known.
        refresh_on = int(min(token.near_cache_until or time.time(), token.expires_at))
        return AccessTokenInfo(token.value, int(token.expires_at), refresh_on=refresh_on)

    def close(self) -> None:
        """Does nothing: the client is its owner's. Here because Azure's libraries call it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception_type: type[BaseException] | None, exception: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def _acquire(self, scopes: tuple[str, ...], claims: str | None, tenant_id: str | None) -> Token:
        if not scopes:
            raise ValueError("at least one scope is needed")
        return self._client.acquire_for_client(self._registration, scopes, tenant=tenant_id or self._tenant,
                                               claims_challenge=claims or "")
