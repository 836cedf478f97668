"""What people send by forms: texts by name, turned into the same types that the admin API reads."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from node.connections.once import Once
from node.console.guarding import FORM_TOKEN
from node.problems import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

S = TypeVar("S", bound=msgspec.Struct)


class Form(dict[str, str]):
    """The fields of a form, each once; what was not sent is empty."""

    def __missing__(self, name: str) -> str:
        return ""

    def is_on(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self[name])

    def once(self, asked: bytes) -> Once:
        """What is asked for by this form is done once, however often it is sent."""
        return Once(key=f"console {self['once']}", digest=hashlib.sha256(asked).digest())


async def read_form(request: web.Request) -> Form:
    """The fields that a form has sent; files are no fields of any form here."""
    sent = await request.post()
    return Form({name: value for name, value in sent.items() if isinstance(value, str) and name != FORM_TOKEN})


def as_body(body: type[S], fields: Mapping[str, object]) -> S:
    """The fields as a body of the admin API.

    Raises:
        ProblemError: a field is not what belongs there.
    """
    try:
        return msgspec.convert(fields, body)
    except msgspec.ValidationError as error:
        raise ProblemError(Problem.MALFORMED, f"The form can't be read: {error}.") from None
