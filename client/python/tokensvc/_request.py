# SPDX-License-Identifier: Apache-2.0
"""Which token is wanted."""

import dataclasses
from collections.abc import Hashable, Iterable, Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class TokenRequest:
    """The fields of `AcquireForClientRequest`, which says what each may hold.

    `scopes` may be given as one string or several, and `extra_parameters` as a mapping.
    """

    registration: str
    scopes: tuple[str, ...]
    tenant: str = ""
    resource: str = ""
    audience: str = ""
    client_claims: str = ""
    extra_parameters: tuple[tuple[str, str], ...] = ()
    # What follows shapes one call, not the token that is kept. A challenge is nobody's business in a log.
    claims_challenge: str = dataclasses.field(default="", repr=False)
    force_refresh: bool = False
    correlation_id: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "scopes", scopes_of(self.scopes))
        object.__setattr__(self, "extra_parameters", parameters_of(self.extra_parameters))

    def key(self) -> Hashable:
        """Of every field that shapes the token; scopes as a set."""
        return (self.registration, self.tenant, self.scopes if len(self.scopes) == 1 else frozenset(self.scopes),
                self.resource, self.audience, self.client_claims, self.extra_parameters)

    def forced(self) -> bool:
        """Whether a new token is wanted whatever is kept."""
        return self.force_refresh or bool(self.claims_challenge)


def scopes_of(scopes: str | Iterable[str]) -> tuple[str, ...]:
    """One scope or several; a plain string is one scope, not its letters."""
    return (scopes,) if isinstance(scopes, str) else tuple(scopes)


def parameters_of(parameters: Mapping[str, str] | Iterable[tuple[str, str]] | None) -> tuple[tuple[str, str], ...]:
    """In one order, whoever wrote them."""
    if not parameters:
        return ()
    return tuple(sorted(parameters.items() if isinstance(parameters, Mapping) else parameters))
