"""The Batch API: many requests in one (`/api/now/batch`)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta
from multidict import MultiDict

from node.instance.errors import BadRequestError, InstanceError
from node.instance.rest.calls import Answer, Call, failure, written
from node.instance.rest.held import AnswerTooLargeError, Body
from node.instance.rest.parameters import PARAMETERS_MAX
from node.instance.rest.rooms import TooManyLargeAnswersError
from node.instance.rest.routes import parts_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from node.ports import Clock

REQUESTS_MAX: Final = 500
REQUEST_BYTES_MAX: Final = 5 * 1024 * 1024
ITEM_ANSWER_BYTES_MAX: Final = 10 * 1024 * 1024
"""Of each item, as ServiceNow documents."""

ALL_ANSWERS_BYTES_MAX: Final = 64 * 1024 * 1024
"""From so many on no item is begun; the answer of the last one may lead beyond them."""

HEAD_BYTES_MAX: Final = 16 * 1024
"""Of what is told of an item whose answer finds no room; `Link` is the longest of its headers, with 8,000."""

RUNS_S_MAX: Final = 30.0

_LIMIT_HEADER: Final = "x-batchrequest-max-output-size"
_LIMIT_DIGITS_MAX: Final = 9
"""A number that has more of them says more than may be asked for."""

_END: Final = b'"}'

Id = Annotated[str, Meta(max_length=256)] | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""What a client calls a batch or an item of it."""


class Header(msgspec.Struct):
    """One header of an item."""

    name: str
    value: str


class Item(msgspec.Struct):
    """One request."""

    id: Id
    method: str
    url: str
    headers: list[Header] = []
    body: str | None = None
    exclude_response_headers: bool = False


class Batch(msgspec.Struct):
    """The body of a batch."""

    rest_requests: list[Item]
    batch_request_id: Id = ""


class BatchApi:
    """The handler: each item is answered as if it had come alone, from the same user."""

    def __init__(self, answer: Callable[[Call], Awaitable[Answer]], *, clock: Clock) -> None:
        self._answer = answer
        self._clock = clock

    async def run(self, call: Call) -> Answer:
        """Answer the items in their order; those that are not begun, for want of room or time, are told as unserviced.

        One that was run is never among them: a client sends those again.
        """
        try:
            batch = msgspec.json.decode(call.body, type=Batch)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise BadRequestError("Exception while reading request", f"Invalid batch: {error}") from error
        answer_bytes_max = _answer_limit(call)
        ends_at = self._clock.now() + RUNS_S_MAX
        body = Body(call.room, call.answer_bytes_max)
        head = b'{"batch_request_id":%b,"serviced_requests":[' % msgspec.json.encode(str(batch.batch_request_id))
        tail_bytes_max = len(_tail(batch.rest_requests))
        body.write(head)
        total_bytes = serviced = 0
        for item in batch.rest_requests[:REQUESTS_MAX]:
            if total_bytes >= ALL_ANSWERS_BYTES_MAX or _decoded_bytes(item) > REQUEST_BYTES_MAX:
                break
            if not await _has_room(body, HEAD_BYTES_MAX + tail_bytes_max):
                break
            begun_at = self._clock.now()
            if begun_at >= ends_at:
                break
            answer = await self._one(call, item, answer_bytes_max)
            if answer.size > answer_bytes_max and answer.status < HTTPStatus.BAD_REQUEST:
                answer = _without_room(item, answer, AnswerTooLargeError(answer_bytes_max))
            comma, execution_ms = b"," if serviced else b"", int((self._clock.now() - begun_at) * 1000)
            told = comma + _told(item, answer, execution_ms)
            if not await _has_room(body, len(told) + _encoded_bytes(answer.size) + len(_END) + tail_bytes_max):
                answer = _without_room(item, answer, TooManyLargeAnswersError())
                told = comma + _told(item, answer, execution_ms)
            await _add(body, told, answer)
            total_bytes += answer.size
            serviced += 1
        await _write(body, _tail(batch.rest_requests[serviced:]))
        return written(body, {})

    async def _one(self, call: Call, item: Item, bytes_max: int) -> Answer:
        try:
            inner = _inner(call, item, bytes_max)
        except InstanceError as error:
            return failure(error)
        return await self._answer(inner)


def _inner(call: Call, item: Item, bytes_max: int) -> Call:
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
        room=call.room,
        answer_bytes_max=bytes_max,
    )


def _decoded_bytes(item: Item) -> int:
    return len(item.body or "") * 3 // 4


def _answer_limit(call: Call) -> int:
    """The client may ask for less, not for more."""
    asked = call.headers.get(_LIMIT_HEADER, "").strip()
    if not asked.isascii() or not asked.isdigit() or len(asked) > _LIMIT_DIGITS_MAX:
        return ITEM_ANSWER_BYTES_MAX
    return min(int(asked), ITEM_ANSWER_BYTES_MAX)


def _without_room(item: Item, answer: Answer, error: InstanceError) -> Answer:
    """In the place of an answer: of what reads, that it failed; of anything else what came of it, without a body."""
    if item.method.upper() == "GET":
        return failure(error)
    return replace(answer, body=b"", pieces=None, pieces_bytes=0, content_type=None)


async def _has_room(body: Body, bytes_: int) -> bool:
    try:
        await body.make_room(bytes_)
    except TooManyLargeAnswersError:
        return False
    return True


def _told(item: Item, answer: Answer, execution_ms: int) -> bytes:
    """What is told of an answer, as far as its body."""
    headers = dict(answer.headers)
    if answer.content_type is not None:
        headers |= {"Content-Type": answer.content_type, "Content-Length": str(answer.size)}
    told = {
        "id": str(item.id),
        "status_code": answer.status,
        "status_text": HTTPStatus(answer.status).phrase,
        "headers": []
        if item.exclude_response_headers
        else [{"name": name, "value": value} for name, value in headers.items()],
        "execution_time": execution_ms,
    }
    return msgspec.json.encode(told)[:-1] + b',"body":"'


def _tail(unserviced: Sequence[Item]) -> bytes:
    return b'],"unserviced_requests":%b}' % msgspec.json.encode([str(item.id) for item in unserviced])


def _encoded_bytes(size: int) -> int:
    """How long Base64 makes so many bytes."""
    return (size + 2) // 3 * 4


async def _add(body: Body, told: bytes, answer: Answer) -> None:
    await _write(body, told)
    async for piece in _in_threes(answer):
        await _write(body, base64.b64encode(piece))
    await _write(body, _END)


async def _write(body: Body, data: bytes) -> None:
    if body.is_in_file:
        await asyncio.to_thread(body.write, data)
    else:
        body.write(data)


async def _in_threes(answer: Answer) -> AsyncIterator[bytes]:
    """A body in parts, each but the last a multiple of three bytes long: so Base64 has no padding in between."""
    rest = answer.body
    if answer.pieces is not None:
        async for piece in answer.pieces:
            whole = rest + piece
            end = len(whole) // 3 * 3
            yield whole[:end]
            rest = whole[end:]
    yield rest
