"""Answers on HTTP: small ones whole, others piece by piece. One that breaks off never looks like a whole one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from node.instance.rest.calls import Answer

PIECE_S_MAX: Final = 30.0
"""How long a client may take for one piece."""

ANSWER_S_MAX: Final = 1_800.0
"""How long a client may take for all of them."""

_log = get_logger(__name__)


async def send(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send an answer: all of it, or the link is cut before its length is reached."""
    if answer.pieces is None:
        return web.Response(status=answer.status, body=answer.body, headers=_headers(answer))
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = answer.size
    is_whole = False
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            await _write(request, response, answer, answer.pieces)
        is_whole = True
    except (TimeoutError, ConnectionError):
        _log.info("instance_client_left_an_answer", path=request.path)
    except Exception:  # noqa: BLE001 - whatever it is, the head has been sent: the log says why the link was cut
        _log.exception("instance_answer_broke_off", path=request.path)
    finally:
        if not is_whole and request.transport is not None:
            request.transport.abort()  # a second answer behind the beginning of this one would be taken for its end
    return response


async def _write(
    request: web.Request, response: web.StreamResponse, answer: Answer, pieces: AsyncIterator[bytes]
) -> None:
    await response.prepare(request)
    if answer.body:
        await response.write(answer.body)
    async for piece in pieces:
        async with asyncio.timeout(PIECE_S_MAX):
            await response.write(piece)
    await response.write_eof()


def _headers(answer: Answer) -> dict[str, str]:
    own = {} if answer.content_type is None else {"Content-Type": answer.content_type}
    return {"Cache-Control": "no-store", **own, **answer.headers}
