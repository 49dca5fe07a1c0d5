# SPDX-License-Identifier: Apache-2.0
"""Client of the Token Service (docs/CLIENTS.md).

    with TokenServiceClient("tokens.internal:7443", ca_file="/etc/tokensvc/ca.pem") as client:
        header = client.get_authorization_header("orders", "https://graph.microsoft.com/.default")
"""

from tokensvc._client import DEFAULT_TIMEOUT, TokenServiceClient
from tokensvc._credential import TokenServiceCredential
from tokensvc._errors import FieldViolation, TokenServiceError
from tokensvc._request import TokenRequest
from tokensvc._token import AccessToken, AccessTokenInfo, Token
from tokensvc._version import __version__

__all__ = [
    "DEFAULT_TIMEOUT",
    "AccessToken",
    "AccessTokenInfo",
    "FieldViolation",
    "Token",
    "TokenRequest",
    "TokenServiceClient",
    "TokenServiceCredential",
    "TokenServiceError",
    "__version__",
]
