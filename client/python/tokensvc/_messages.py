# SPDX-License-Identifier: Apache-2.0
"""Between the contract's messages and the package's own types."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from tokensvc import _errors
from tokensvc._errors import TokenServiceError
from tokensvc._request import TokenRequest
from tokensvc._token import Token
from tokensvc.v1 import token_pb2, token_service_pb2


def to_message(request: TokenRequest) -> token_service_pb2.AcquireForClientRequest:
    return token_service_pb2.AcquireForClientRequest(
        registration=request.registration,
        tenant=request.tenant,
        scopes=request.scopes,
        resource=request.resource,
        audience=request.audience,
        claims_challenge=request.claims_challenge,
        client_claims=request.client_claims,
        force_refresh=request.force_refresh,
        correlation_id=request.correlation_id,
        token_type=token_pb2.TOKEN_TYPE_BEARER,
        extra_parameters=dict(request.extra_parameters))


def _seconds(time: Timestamp | Duration) -> float:
    """Unix time, or a length; 0 where it is absent."""
    return time.seconds + time.nanos / 1e9


def _source(number: int) -> str:
    value = token_pb2.TokenSource.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix("TOKEN_SOURCE_") if value is not None and number else ""


def from_message(response: token_service_pb2.AcquireForClientResponse, asked: float) -> Token:
    """`asked`: this machine's Unix time before the request was sent.

    Raises TokenServiceError (INTERNAL, without a reason) where the answer holds no usable token.
    """
    token = response.access_token
    if token.token_type != token_pb2.TOKEN_TYPE_BEARER:
        raise TokenServiceError(StatusCode.INTERNAL,
                                "the service's answer holds a token of another type than bearer")
    # A line break in a header would begin another one.
    if not token.value or not all("!" <= character <= "~" for character in token.value):
        raise TokenServiceError(StatusCode.INTERNAL,
                                "the service's answer holds no token that a header can carry")
    has_lengths = response.HasField("expires_in")  # Else the service is older than both.
    near_cache_for = _seconds(response.near_cache_for) if has_lengths else None
    near_cache_until = asked + near_cache_for if near_cache_for else _seconds(response.near_cache_until)
    return Token(
        value=token.value,
        expires_at=_seconds(token.expires_at),
        refresh_at=_seconds(token.refresh_at),
        near_cache_until=near_cache_until,
        near_cache_for=near_cache_for,
        expires_in=_seconds(response.expires_in) if has_lengths else None,
        granted_scopes=tuple(token.granted_scopes),
        tenant=token.tenant,
        source=_source(response.source),
        correlation_id=response.correlation_id)


def from_batch_message(response: token_service_pb2.BatchAcquireForClientResponse,
                       requests: int, asked: float) -> list[Token | TokenServiceError]:
    """Raises TokenServiceError (INTERNAL) where the answer has not one result for each of `requests`."""
    if len(response.results) != requests:
        raise TokenServiceError(StatusCode.INTERNAL, "the service's answer has not one result for each request")
    return [_result(result, asked) for result in response.results]


def _result(result: token_service_pb2.BatchResult, asked: float) -> Token | TokenServiceError:
    outcome = result.WhichOneof("outcome")
    if outcome == "error":
        return _errors.from_batch_error(result.error)
    if outcome is None:
        return TokenServiceError(StatusCode.INTERNAL, "the service's answer holds neither a token nor an error")
    try:
        return from_message(result.response, asked)
    except TokenServiceError as error:
        return error
