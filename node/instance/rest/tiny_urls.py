"""Short names for long requests: `POST /api/now/tinyurl`, and `sysparm_tiny` in the place of all other parameters.

ServiceNow has it for addresses that are too long for a browser; clients use it for long queries. A name stands for
parameters alone: whoever uses it sees by it what may be seen without it. Names live as long as the process; when there
are too many, whoever has most of them loses his oldest.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
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
    from collections.abc import Callable, Sequence

URL_CHARACTERS_MAX: Final = 65_536

ALL_BYTES_MAX: Final = 8 * 1024 * 1024

NAME_BYTES: Final = 1_000
"""What a name takes beside its URL; so there are at most some thousand of them."""

SCHEMES: Final = frozenset({"", "http", "https"})


@dataclass(frozen=True, slots=True)
class _Long:
    """What is kept of a URL, as bytes: a text takes up to four for each character."""

    path: bytes
    query: bytes

    @property
    def size(self) -> int:
        return len(self.path) + len(self.query) + NAME_BYTES


class TinyUrls:
    """The names that there are, and the handler that makes them."""

    def __init__(self, new_name: Callable[[], str], *, is_known: Callable[[Sequence[str]], bool]) -> None:
        """Take what gives a name that nobody can guess, and what says whether a path can be read."""
        self._new_name = new_name
        self._is_known = is_known
        self._known: dict[str, _Long] = {}
        self._names: defaultdict[str, deque[str]] = defaultdict(deque)
        self._bytes: Counter[str] = Counter()

    async def create(self, call: Call) -> Answer:
        """A short URL for the one in the body, relative to the instance."""
        url = record_of(call).get("url", "").strip()
        if not url:
            raise BadRequestError("Missing mandatory parameter", "The body says no url.")
        if len(url) > URL_CHARACTERS_MAX:
            raise BadRequestError("Invalid url", f"It has more than {URL_CHARACTERS_MAX} characters.")
        path, long = self._read(url)
        name = self._new_name()
        self._keep(call.viewer.sys_id, name, long)
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
        if long is None or long.path != _path(call.parts):
            raise BadRequestError(
                "Invalid value for sysparm_tiny",
                "No URL of this path has that name, or has it any more: ask for another",
            )
        others = [(key, value) for key, value in call.parameters.items() if key != "sysparm_tiny"]
        asked = parse_qsl(long.query.decode(), keep_blank_values=True)
        return replace(call, parameters=MultiDict([*asked, *others]), sent=call.parameters)

    def _read(self, url: str) -> tuple[str, _Long]:
        """The path of a URL, and what is kept of it. Its host is not looked at: only this instance can be asked."""
        try:
            split = urlsplit(url)
        except ValueError as error:
            raise _refused() from error
        _, parts = parts_of(split.path) or ("", ())
        is_text = url.isprintable() and "\N{REPLACEMENT CHARACTER}" not in split.path + "".join(parts)
        if split.scheme not in SCHEMES or not is_text or not all(parts) or not self._is_known(parts):
            raise _refused()
        if split.query.count("&") >= parameters.PARAMETERS_MAX:
            raise BadRequestError("Invalid url", f"It has more than {parameters.PARAMETERS_MAX} parameters.")
        return split.path, _Long(_path(parts), split.query.encode())

    def _keep(self, user: str, name: str, long: _Long) -> None:
        self._known[name] = long
        self._names[user].append(name)
        self._bytes[user] += long.size
        while self._bytes.total() > ALL_BYTES_MAX:
            ((most, _),) = self._bytes.most_common(1)
            oldest = self._names[most].popleft()
            self._bytes[most] -= self._known.pop(oldest).size
            if not self._names[most]:
                del self._names[most], self._bytes[most]


def _path(parts: Sequence[str]) -> bytes:
    return "/".join(parts).encode("utf-8", "replace")


def _refused() -> BadRequestError:
    return BadRequestError("Invalid url", "It has to be one that can be read of the REST APIs, below /api/now.")
