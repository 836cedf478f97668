"""Where one HTTP message ends on a link, what an answer says, and how one is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from node.ports import HttpAnswer

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireAnswer(HttpAnswer):
    """An answer, with the bytes that it is on the wire."""

    raw: bytes


def take_message(received: bytearray) -> bytes | None:
    """Take the first whole message out; None while it has not all arrived.

    Raises:
        NotImplementedError: it is chunked, which no message between nodes is.
    """
    head_end = received.find(_END_OF_HEAD)
    if head_end < 0:
        return None
    head = bytes(received[: head_end + 2])
    if _CHUNKED.search(head):
        raise NotImplementedError("Links in memory carry no chunked messages.")
    length = _LENGTH.search(head)
    size = head_end + len(_END_OF_HEAD) + (int(length[1]) if length is not None else 0)
    if len(received) < size:
        return None
    message = bytes(received[:size])
    del received[:size]
    return message


def read_answer(raw: bytes) -> WireAnswer:
    """What an answer says that a server wrote."""
    head, _, body = raw.partition(_END_OF_HEAD)
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return WireAnswer(status=int(status_line.split(" ")[1]), headers=headers, body=body, raw=raw)


def bytes_of(answer: HttpAnswer) -> bytes:
    """The answer on the wire: as its server wrote it, or as something that is no node would."""
    if isinstance(answer, WireAnswer):
        return answer.raw
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
        f"content-length: {len(answer.body)}",
    ]
    return "\r\n".join(lines).encode() + _END_OF_HEAD + answer.body
