# SPDX-License-Identifier: Apache-2.0
"""The exception of every failed call, with what the service said of it (tokensvc/v1/errors.proto)."""

import dataclasses

import grpc
from google.protobuf.message import DecodeError, Message

from tokensvc import error_detail_messages_pb2 as wire
from tokensvc.v1 import errors_pb2, token_service_pb2

_DOMAIN = "tokensvc"
_DETAILS = "grpc-status-details-bin"
# The contract keeps all details under 4 KiB; these bound what somebody else may send.
_MAX_DETAILS_BYTES = 64 << 10
_MAX_VIOLATIONS = 50
_MAX_CORRELATION_ID = 64
_CODES = {code.value[0]: code for code in grpc.StatusCode if code is not grpc.StatusCode.OK}


@dataclasses.dataclass(frozen=True, slots=True)
class FieldViolation:
    """Which field of the request is wrong, and what to write instead."""

    field: str
    description: str


class TokenServiceError(Exception):
    """A call that brought no token. Every text in it but `str()` comes from the other side as it is."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = ""
        """`ErrorReason`'s name without the prefix, for example `INTERACTION_REQUIRED`: branch on it.
        Empty where the service said none (nobody answered); then branch on `code`."""
        self.correlation_id = ""
        """To find the call in the service's log."""
        self.retry_delay: float | None = None
        """After how many seconds trying again makes sense; none: it does not."""
        self.field_violations: tuple[FieldViolation, ...] = ()
        self.authority_error: errors_pb2.AuthorityError | None = None
        """What the authority said, where it did."""

    @property
    def classification(self) -> str:
        """Which interaction would help (`InteractionClassification` without the prefix); empty: none named."""
        if self.authority_error is None or not self.authority_error.classification:
            return ""
        number = self.authority_error.classification
        value = errors_pb2.InteractionClassification.DESCRIPTOR.values_by_number.get(number)
        return "" if value is None else value.name.removeprefix("INTERACTION_CLASSIFICATION_")

    @property
    def claims_challenge(self) -> str:
        """The claims that the authority asks for: send them back as `claims_challenge`, or to the sign-in."""
        return "" if self.authority_error is None else self.authority_error.claims_challenge

    def __str__(self) -> str:
        text = f"{self.code.name}: {self.args[0]}"
        if self.reason:
            text += f" ({self.reason}, correlation id {self.correlation_id})"
        # A log line stays one line, whatever the other side says.
        return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _read_error_info(info: wire.ErrorInfo, error: TokenServiceError) -> None:
    if info.domain != _DOMAIN:
        return
    error.reason = info.reason
    correlation_id = info.metadata.get("correlation_id", "")
    if len(correlation_id) <= _MAX_CORRELATION_ID:
        error.correlation_id = correlation_id


def _read_retry_info(info: wire.RetryInfo, error: TokenServiceError) -> None:
    if info.HasField("retry_delay"):
        error.retry_delay = info.retry_delay.seconds + info.retry_delay.nanos / 1e9


def _read_bad_request(bad_request: wire.BadRequest, error: TokenServiceError) -> None:
    error.field_violations = tuple(
        FieldViolation(v.field, v.description) for v in bad_request.field_violations[:_MAX_VIOLATIONS])


def _read_authority_error(authority_error: errors_pb2.AuthorityError, error: TokenServiceError) -> None:
    error.authority_error = authority_error


_READERS = {
    "google.rpc.ErrorInfo": (wire.ErrorInfo, _read_error_info),
    "google.rpc.RetryInfo": (wire.RetryInfo, _read_retry_info),
    "google.rpc.BadRequest": (wire.BadRequest, _read_bad_request),
    "tokensvc.v1.AuthorityError": (errors_pb2.AuthorityError, _read_authority_error),
}


def _parse(message_type: type[Message], data: bytes) -> Message | None:
    try:
        return message_type.FromString(data)
    except DecodeError:
        return None


def from_rpc_error(rpc_error: grpc.RpcError, refused_file: str = "") -> TokenServiceError:
    """What is absent, malformed or unknown in the details is left out.

    `refused_file`: why a file of the client's was not taken over, which calls may fail for.
    """
    error = TokenServiceError(rpc_error.code(), rpc_error.details() or "")
    _read_details(dict(rpc_error.trailing_metadata() or ()).get(_DETAILS, b""), error)
    # UNAVAILABLE with a reason is an answer of the service, which then took the connection.
    nobody_answered = error.code is grpc.StatusCode.UNAVAILABLE and not error.reason
    if refused_file and (nobody_answered or error.code is grpc.StatusCode.UNAUTHENTICATED):
        error.args = (f"{error.args[0]} (a file changed and was not taken over: {refused_file})",)
    return error


def from_batch_error(batch_error: token_service_pb2.BatchError) -> TokenServiceError:
    """The same for an item of a batch: its bytes are those of a google.rpc.Status."""
    code = _CODES.get(batch_error.code, grpc.StatusCode.UNKNOWN)
    error = TokenServiceError(code, batch_error.message)
    _read_details(batch_error.SerializeToString(), error)
    return error


def _read_details(packed: object, error: TokenServiceError) -> None:
    if not isinstance(packed, bytes) or len(packed) > _MAX_DETAILS_BYTES:
        return
    status = _parse(wire.Status, packed)
    for detail in status.details if status is not None else ():
        found = _READERS.get(detail.type_url.rpartition("/")[2])
        if found is None:
            continue
        message_type, read = found
        message = _parse(message_type, detail.value)
        if message is not None:
            read(message, error)
