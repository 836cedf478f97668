"""What the admin API's routes share: the prefix, JSON answers, ids and parameters."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from node.problems import Problem, ProblemError

API = "/api/v1"
W = TypeVar("W", bound=StrEnum)
_SYS_ID = re.compile(r"[0-9a-f]{32}")


class YesNo(StrEnum):
    """The two words of a parameter that is on or off."""

    YES = "true"
    NO = "false"


def json_answer(content: dict[str, Any], *, status: int = 200, secret: bool = False) -> web.Response:
    """A JSON answer; one that holds a code is kept by no cache."""
    headers = {"Cache-Control": "no-store"} if secret else None
    return web.Response(
        body=msgspec.json.encode(content), status=status, content_type="application/json", headers=headers
    )


def connection_id(request: web.Request) -> str:
    """The sys_id in the path.

    Raises:
        ProblemError: no connection could have it.
    """
    sys_id: str = request.match_info["sys_id"]
    if not _SYS_ID.fullmatch(sys_id):
        raise ProblemError(Problem.NOT_FOUND, "A sys_id has 32 hexadecimal digits, in lower case.")
    return sys_id


def query(request: web.Request, known: tuple[str, ...]) -> dict[str, str]:
    """The parameters of a request.

    Raises:
        ProblemError: one of them is not known, or given twice.
    """
    for name in request.query:
        if name not in known:
            raise ProblemError(
                Problem.UNKNOWN_FIELD, f"The parameter {name[:60]!a} is not known here.", field=name[:60]
            )
        if len(request.query.getall(name)) > 1:
            raise ProblemError(Problem.INVALID_FIELD, f"The parameter {name} is given twice.", field=name)
    return dict(request.query)


def number(given: dict[str, str], name: str, default: int, *, lowest: int, highest: int) -> int:
    """A whole number among the parameters.

    Raises:
        ProblemError: it is none, or beyond its limits.
    """
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and lowest <= int(text[:20]) <= highest):
        raise ProblemError(
            Problem.INVALID_FIELD, f"The parameter {name} is a whole number from {lowest} to {highest}.", field=name
        )
    return int(text)


def choice(given: dict[str, str], name: str, words: type[W]) -> W | None:
    """One word of a vocabulary among the parameters.

    Raises:
        ProblemError: it is another word.
    """
    text = given.get(name)
    if text is not None and text not in {word.value for word in words}:
        raise ProblemError(
            Problem.INVALID_FIELD,
            f"The parameter {name} is one of: {', '.join(word.value for word in words)}.",
            field=name,
        )
    return None if text is None else words(text)
