"""A request to the REST APIs and its answer, apart from HTTP: so a batch can hold several."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
from multidict import MultiDict

from node.instance.rest.held import ANSWER_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from multidict import MultiMapping

    from node.instance.errors import InstanceError
    from node.instance.rest.held import Body
    from node.instance.rest.rooms import Room
    from node.instance.viewer import Viewer

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of one user.

    Attributes:
        parts: the decoded parts of the path after `/api/now` and the version.
        version: `v1`, `v2` or none.
        base_url: the instance as the client reached it, without a slash at the end.
        headers: names in lower case.
        room: where a large answer is held until it has been sent.
        sent: the parameters that stand in the URL itself, if a `sysparm_tiny` among them stands for others.
        answer_bytes_max: how large the answer may be.
    """

    method: str
    parts: tuple[str, ...]
    version: str
    parameters: MultiMapping[str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    viewer: Viewer
    base_url: str
    path: str
    room: Room = field(repr=False)
    sent: MultiMapping[str] | None = None
    answer_bytes_max: int = ANSWER_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What comes of it.

    Attributes:
        pieces: what follows the body, for what is too large to be held at once.
        pieces_bytes: how many bytes they have together.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = JSON
    pieces: AsyncIterator[bytes] | None = field(default=None, repr=False)
    pieces_bytes: int = 0

    @property
    def size(self) -> int:
        """How many bytes the whole body has."""
        return len(self.body) + self.pieces_bytes


def readable(call: Call) -> Call:
    """The call without halves of characters, which HTTP lets through where bytes are no UTF-8 and nobody can store."""
    texts = (*call.parts, *call.parameters.keys(), *call.parameters.values(), *call.headers.values())
    if all(one.isascii() or _whole(one) == one for one in texts):
        return call
    return replace(
        call,
        parts=tuple(_whole(part) for part in call.parts),
        parameters=MultiDict((_whole(name), _whole(value)) for name, value in call.parameters.items()),
        headers={name: _whole(value) for name, value in call.headers.items()},
    )


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def result(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """`{"result": …}`."""
    return Answer(status=status, body=msgspec.json.encode({"result": value}), headers=headers or {})


def failure(error: InstanceError) -> Answer:
    """The body of every error."""
    body = {"error": {"message": error.message, "detail": error.detail}, "status": "failure"}
    return Answer(status=error.status, body=msgspec.json.encode(body))


def written(body: Body, headers: Mapping[str, str]) -> Answer:
    """The answer whose body has been written."""
    if body.is_in_file:
        return Answer(status=200, headers=headers, pieces=body.pieces(), pieces_bytes=body.size)
    return Answer(status=200, headers=headers, body=body.in_memory)
