"""The Batch API: many requests in one (`/api/now/batch`)."""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec
from multidict import MultiDict

from node.instance.errors import BadRequestError, InstanceError
from node.instance.rest.calls import Answer, Call, failure
from node.instance.rest.routes import parts_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from node.ports import Clock

REQUESTS_MAX: Final = 500
REQUEST_BYTES_MAX: Final = 5 * 1024 * 1024
ANSWER_BYTES_MAX: Final = 10 * 1024 * 1024
"""Of each item, as ServiceNow documents."""

ALL_ANSWERS_BYTES_MAX: Final = 64 * 1024 * 1024
RUNS_S_MAX: Final = 30.0
PARAMETERS_MAX: Final = 1_000

_LIMIT_HEADER: Final = "x-batchrequest-max-output-size"
_NEVER_TOLD: Final = frozenset({"content-length", "content-type"})


class Header(msgspec.Struct):
    """One header of an item."""

    name: str
    value: str


class Item(msgspec.Struct):
    """One request."""

    id: str | int
    method: str
    url: str
    headers: list[Header] = []
    body: str | None = None
    exclude_response_headers: bool = False


class Batch(msgspec.Struct):
    """The body of a batch."""

    rest_requests: list[Item]
    batch_request_id: str | int = ""


class BatchApi:
    """The handler: each item is answered as if it had come alone, from the same user."""

    def __init__(self, answer: Callable[[Call], Awaitable[Answer]], *, clock: Clock) -> None:
        self._answer = answer
        self._clock = clock

    async def run(self, call: Call) -> Answer:
        """Answer the items in their order; those that no limit leaves room for are told as unserviced."""
        try:
            batch = msgspec.json.decode(call.body, type=Batch)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise BadRequestError("Exception while reading request", f"Invalid batch: {error}") from error
        answer_bytes_max = _answer_limit(call)
        ends_at = self._clock.now() + RUNS_S_MAX
        serviced: list[dict[str, Any]] = []
        total_bytes = 0
        for item in batch.rest_requests[:REQUESTS_MAX]:
            begun_at = self._clock.now()
            if begun_at >= ends_at or _decoded_bytes(item) > REQUEST_BYTES_MAX:
                break
            answer = await self._one(call, item)
            body = await _whole(answer, min(answer_bytes_max, ALL_ANSWERS_BYTES_MAX - total_bytes))
            if body is None:
                break
            total_bytes += len(body)
            serviced.append(_told(item, answer, body, execution_ms=int((self._clock.now() - begun_at) * 1000)))
        told = {
            "batch_request_id": str(batch.batch_request_id),
            "serviced_requests": serviced,
            "unserviced_requests": [str(item.id) for item in batch.rest_requests[len(serviced) :]],
        }
        return Answer(status=200, body=msgspec.json.encode(told))

    async def _one(self, call: Call, item: Item) -> Answer:
        try:
            inner = _inner(call, item)
        except InstanceError as error:
            return failure(error)
        return await self._answer(inner)


def _inner(call: Call, item: Item) -> Call:
    path, _, query = item.url.partition("?")
    found = parts_of(path)
    if found is None:
        raise BadRequestError("Invalid URL", "The url of an item is a path below /api/now of this instance.")
    version, parts = found
    if parts == call.parts:
        raise BadRequestError("Invalid URL", "A batch can't be an item of a batch.")
    try:
        body = base64.b64decode(item.body or "", validate=False)
    except (binascii.Error, ValueError) as error:
        raise BadRequestError("Invalid body", "The body of an item is written in Base64.") from error
    try:
        parameters = parse_qsl(query, keep_blank_values=True, max_num_fields=PARAMETERS_MAX)
    except ValueError as error:
        raise BadRequestError("Invalid URL", f"It has more than {PARAMETERS_MAX} parameters.") from error
    return Call(
        method=item.method.upper(),
        parts=parts,
        version=version,
        parameters=MultiDict(parameters),
        headers={header.name.lower(): header.value for header in item.headers},
        body=body,
        viewer=call.viewer,
        base_url=call.base_url,
        path=path,
    )


def _decoded_bytes(item: Item) -> int:
    return len(item.body or "") * 3 // 4


def _answer_limit(call: Call) -> int:
    """The client may ask for less, not for more."""
    asked = call.headers.get(_LIMIT_HEADER, "").strip()
    return min(int(asked), ANSWER_BYTES_MAX) if asked.isascii() and asked.isdigit() else ANSWER_BYTES_MAX


async def _whole(answer: Answer, bytes_max: int) -> bytes | None:
    """The whole body of an answer; none if it has more bytes than that."""
    body = bytearray(answer.body)
    if answer.pieces is not None:
        async for piece in answer.pieces:
            body += piece
            if len(body) > bytes_max:
                return None
    return bytes(body) if len(body) <= bytes_max else None


def _told(item: Item, answer: Answer, body: bytes, *, execution_ms: int) -> dict[str, Any]:
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _NEVER_TOLD}
    if answer.content_type is not None:
        headers |= {"Content-Type": answer.content_type, "Content-Length": str(len(body))}
    return {
        "id": str(item.id),
        "status_code": answer.status,
        "status_text": HTTPStatus(answer.status).phrase,
        "headers": []
        if item.exclude_response_headers
        else [{"name": name, "value": value} for name, value in headers.items()],
        "body": base64.b64encode(body).decode("ascii"),
        "execution_time": execution_ms,
    }
