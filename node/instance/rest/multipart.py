"""Forms with a file in them (`multipart/form-data`), whose last part is the file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import BodyPartReader, MultipartReader, StreamReader
from aiohttp.base_protocol import BaseProtocol

from node.instance.errors import BadRequestError

if TYPE_CHECKING:
    from node.instance.rest.calls import Call

PARTS_MAX: Final = 20
FIELD_BYTES_MAX: Final = 4_096
BUFFERED_BYTES_MAX: Final = 2**30
"""More than a body may have: all of it is there when reading begins."""

_PLAIN: Final = frozenset({"", "7bit", "8bit", "binary"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form.

    Attributes:
        fields: what stands before the file.
        content_type: what the file's part says; empty if it says nothing.
    """

    fields: dict[str, str]
    file_name: str
    content_type: str
    content: bytes


async def file_of(call: Call) -> Form:
    """The form that a body is.

    Raises:
        BadRequestError: it is none, or its file is missing or not the last of its parts.
    """
    content_type = call.headers.get("content-type", "")
    if not content_type.casefold().startswith("multipart/form-data"):
        raise BadRequestError("Invalid content type", "An upload is a form of the type multipart/form-data.")
    loop = asyncio.get_running_loop()
    stream = StreamReader(BaseProtocol(loop), BUFFERED_BYTES_MAX, loop=loop)
    stream.feed_data(call.body)
    stream.feed_eof()
    try:
        return await _read(MultipartReader({"Content-Type": content_type}, stream))
    except (ValueError, AssertionError, LookupError, EOFError, RuntimeError) as error:
        raise _unreadable() from error


async def _read(reader: MultipartReader) -> Form:
    fields: dict[str, str] = {}
    for _ in range(PARTS_MAX):
        part = await reader.next()
        if not isinstance(part, BodyPartReader):
            raise _unreadable()
        encoding = part.headers.get("Content-Transfer-Encoding", "").casefold()
        if encoding not in _PLAIN or "Content-Encoding" in part.headers:
            raise BadRequestError("Invalid form", "Its parts have to be sent as they are, without an encoding.")
        content = bytes(await part.read())
        if part.filename is None:
            if len(content) > FIELD_BYTES_MAX:
                raise BadRequestError("Invalid form", f"The field {part.name} has more than {FIELD_BYTES_MAX} bytes.")
            fields[part.name or ""] = content.decode("utf-8", "replace").strip()
            continue
        if await reader.next() is not None:
            raise BadRequestError("Invalid form", "The file has to be the last part of it.")
        return Form(
            fields=fields,
            file_name=part.filename,
            content_type=part.headers.get("Content-Type", ""),
            content=content,
        )
    raise _unreadable()


def _unreadable() -> BadRequestError:
    return BadRequestError("Invalid form", "The body is no form with a file in it, or it breaks off.")
