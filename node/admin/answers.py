"""What the admin API's routes share: the prefix, JSON answers, ids and parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from node.problems import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.admin.parameters import Choice, Number, Parameter, W

API = "/api/v1"
NUMBER_DIGITS_MAX = 20
_SYS_ID = re.compile(r"[0-9a-f]{32}")


def json_answer(content: Mapping[str, object], *, status: int = 200, secret: bool = False) -> web.Response:
    """A JSON answer; one that holds a code is kept by no cache."""
    headers = {"Cache-Control": "no-store"} if secret else None
    return json_text(msgspec.json.encode(content), status=status, headers=headers)


def json_text(text: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer that is JSON already."""
    return web.Response(body=text, status=status, content_type="application/json", headers=headers)


def connection_id(request: web.Request) -> str:
    """The sys_id in the path.

    Raises:
        ProblemError: no connection could have it.
    """
    sys_id: str = request.match_info["sys_id"]
    if not _SYS_ID.fullmatch(sys_id):
        raise ProblemError(Problem.NOT_FOUND, "A sys_id has 32 hexadecimal digits, in lower case.")
    return sys_id


def query(request: web.Request, known: Sequence[Parameter]) -> dict[str, str]:
    """The parameters of a request.

    Raises:
        ProblemError: one of them is not known, or given twice.
    """
    names = {parameter.name for parameter in known}
    for name in request.query:
        if name not in names:
            raise ProblemError(
                Problem.UNKNOWN_FIELD, f"The parameter {name[:60]!a} is not known here.", field=name[:60]
            )
        if len(request.query.getall(name)) > 1:
            raise ProblemError(Problem.INVALID_FIELD, f"The parameter {name} is given twice.", field=name)
    return dict(request.query)


def number(given: Mapping[str, str], parameter: Number) -> int:
    """A whole number among the parameters.

    Raises:
        ProblemError: it is none, or beyond its limits.
    """
    name, lowest, highest = parameter.name, parameter.lowest, parameter.highest
    text = given.get(name)
    if text is None:
        return parameter.default
    is_whole = text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS_MAX
    if not (is_whole and lowest <= int(text) <= highest):
        raise ProblemError(
            Problem.INVALID_FIELD, f"The parameter {name} is a whole number from {lowest} to {highest}.", field=name
        )
    return int(text)


def choice(given: Mapping[str, str], parameter: Choice[W]) -> W | None:
    """One word of a vocabulary among the parameters.

    Raises:
        ProblemError: it is another word.
    """
    text, words = given.get(parameter.name), parameter.words
    if text is not None and text not in {word.value for word in words}:
        raise ProblemError(
            Problem.INVALID_FIELD,
            f"The parameter {parameter.name} is one of: {', '.join(word.value for word in words)}.",
            field=parameter.name,
        )
    return None if text is None else words(text)
