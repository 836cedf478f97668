"""Short names for long requests: `POST /api/now/tinyurl`, and `sysparm_tiny` in the place of all other parameters.

ServiceNow has it for addresses that are too long for a browser; clients use it for long queries. A name stands for
parameters alone: whoever uses it sees by it what may be seen without it. Names live as long as the process, and the
oldest give way.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from multidict import MultiDict

from node.instance.errors import BadRequestError
from node.instance.rest import parameters
from node.instance.rest.bodies import record_of
from node.instance.rest.calls import Answer, Call, result
from node.instance.rest.routes import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable

URL_CHARACTERS_MAX: Final = 262_144
"""Three times the longest query: each of its characters may be written as `%xx`."""

ALL_CHARACTERS_MAX: Final = 8 * 1024 * 1024
NAMES_MAX: Final = 10_000
PARAMETERS_MAX: Final = 1_000

_USUAL_PORT: Final = re.compile(":(80|443)$")


@dataclass(frozen=True, slots=True)
class _Long:
    parts: tuple[str, ...]
    query: str


class TinyUrls:
    """The names that there are, and the handler that makes them."""

    def __init__(self, new_name: Callable[[], str]) -> None:
        """Take what gives a name that nobody can guess."""
        self._new_name = new_name
        self._known: OrderedDict[str, _Long] = OrderedDict()
        self._characters = 0

    async def create(self, call: Call) -> Answer:
        """A short URL for the one in the body, relative to the instance."""
        url = record_of(call).get("url", "").strip()
        if not url:
            raise BadRequestError("Missing mandatory parameter", "The body says no url.")
        if len(url) > URL_CHARACTERS_MAX:
            raise BadRequestError("Invalid url", f"It has more than {URL_CHARACTERS_MAX} characters.")
        path, long = _read(url, call.base_url)
        name = self._new_name()
        self._known[name] = long
        self._characters += len(long.query)
        while self._characters > ALL_CHARACTERS_MAX or len(self._known) > NAMES_MAX:
            self._characters -= len(self._known.popitem(last=False)[1].query)
        return result(f"{path.lstrip('/')}?sysparm_tiny={name}")

    def expanded(self, call: Call) -> Call:
        """The call with the parameters that its `sysparm_tiny` stands for.

        Raises:
            BadRequestError: there is no such name, or it stands for another path.
        """
        name = parameters.text(call, "tiny")
        if not name or call.method != "GET":
            return call
        long = self._known.get(name)
        if long is None or long.parts != call.parts:
            raise BadRequestError(
                "Invalid value for sysparm_tiny",
                "No URL of this path has that name, or has it any more: ask for another",
            )
        others = [(key, value) for key, value in call.parameters.items() if key != "sysparm_tiny"]
        asked = parse_qsl(long.query, keep_blank_values=True)
        return replace(call, parameters=MultiDict([*asked, *others]))


def _read(url: str, base_url: str) -> tuple[str, _Long]:
    """The path of a URL of this instance, and what is kept of it."""
    try:
        split = urlsplit(url)
        is_here = not split.netloc or _host(split.netloc) == _host(urlsplit(base_url).netloc)
        found = parts_of(split.path) if is_here else None
        parse_qsl(split.query, max_num_fields=PARAMETERS_MAX)
    except ValueError as error:
        raise _refused() from error
    if found is None or not any(found[1]):
        raise _refused()
    return split.path, _Long(found[1], split.query)


def _host(netloc: str) -> str:
    return _USUAL_PORT.sub("", netloc.casefold())


def _refused() -> BadRequestError:
    return BadRequestError("Invalid url", "It has to be one of this instance's REST APIs, below /api/now.")
