"""The `sysparm_` parameters that several APIs share. Unknown ones are ignored, an empty one is as none at all."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from node.instance.errors import BadRequestError
from node.instance.query.grammar import parse, write
from node.instance.records.reading import PAGE_MAX
from node.instance.records.representing import Display, Style

if TYPE_CHECKING:
    from node.instance.dictionary import Dictionary
    from node.instance.rest.calls import Call

PARAMETERS_MAX: Final = 1_000
"""Of one URL within a body; of a request itself its length is bounded."""

LINK_CHARACTERS_MAX: Final = 8_000
"""Of the header `Link`: clients refuse an answer with a longer line in its head."""

_COUNT: Final = re.compile(r"[0-9]{1,9}")
_PATH: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_PREFIX: Final = "sysparm_"


def text(call: Call, name: str) -> str:
    """A parameter, empty if it is not there; of several of one name the last."""
    given = call.parameters.getall(_PREFIX + name, [])
    return str(given[-1]) if given else ""


def is_on(call: Call, name: str) -> bool:
    """Whether a parameter says `true`, in whatever case: Python's clients write `True`."""
    return text(call, name).casefold() == "true"


def count(call: Call, name: str, otherwise: int) -> int:
    """A number that is not negative.

    Raises:
        BadRequestError: it is none.
    """
    given = text(call, name).strip()
    if not given:
        return otherwise
    if not _COUNT.fullmatch(given):
        raise BadRequestError(f"Invalid value for {_PREFIX}{name}", f"'{given[:40]}' is no whole number from 0 on")
    return int(given)


def limit(call: Call) -> int:
    """How many records a page holds."""
    return min(count(call, "limit", PAGE_MAX), PAGE_MAX)


def fields(call: Call) -> tuple[str, ...] | None:
    """Which fields are asked for; none: all."""
    given = text(call, "fields")
    if not given:
        return None
    return tuple(dict.fromkeys(one for name in given.split(",") if (one := name.strip())))


def style(call: Call) -> Style:
    """How records are shown."""
    wanted = text(call, "display_value").casefold()
    return Style(
        base_url=call.base_url,
        display=Display(wanted) if wanted in set(Display) else Display.VALUES,
        has_links=not is_on(call, "exclude_reference_link"),
    )


def query(call: Call, dictionary: Dictionary, table: str) -> str:
    """The encoded query, with the pairs of name and value that may stand in its place (`?state=2&active=true`)."""
    given = text(call, "query")
    if table not in dictionary:
        return given
    known = dictionary.fields(table)
    pairs = [
        f"{name}={value.replace('^', '^^')}"
        for name, value in call.parameters.items()
        if _PATH.fullmatch(name) and name.partition(".")[0] in known
    ]
    if not pairs or not given:
        return given or "^".join(pairs)
    asked, beside = parse(given), parse("^".join(pairs))
    both = tuple((*mine, *theirs) for theirs in asked.groups for mine in beside.groups)
    return write(replace(asked, groups=both or asked.groups or beside.groups))


def links(call: Call, total: int, limit: int) -> str:
    """The `Link` header: where the first, previous, next and last page are, as many of them as it has room for."""
    offset = count(call, "offset", 0)
    if limit <= 0:
        return ""
    pages = {"first": 0}
    if offset > 0:
        pages["prev"] = max(offset - limit, 0)
    if offset + limit < total:
        pages["next"] = offset + limit
    pages["last"] = max((total - 1) // limit, 0) * limit
    others = [
        (name, value)
        for name, value in (call.parameters if call.sent is None else call.sent).items()
        if name not in {"sysparm_offset", "sysparm_limit"}
    ]
    here = f"{call.base_url}{call.path}"
    queries = {rel: urlencode([*others, ("sysparm_limit", limit), ("sysparm_offset", at)]) for rel, at in pages.items()}
    told = {rel: f'<{here}?{query}>;rel="{rel}"' for rel, query in queries.items()}
    for least in ("last", "first", "prev", "next"):
        if len(",".join(told.values())) <= LINK_CHARACTERS_MAX:
            break
        told.pop(least, None)
    return ",".join(told.values())
