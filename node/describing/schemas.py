"""JSON Schemas of the types that bodies, answers and events are made with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

REF: Final = "#/components/schemas/{name}"

_ATTRIBUTE: Final = re.compile(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", re.MULTILINE)
_PART: Final = re.compile(r"\n\s*(?:Attributes|Raises):\n")


def taken(types: Iterable[type]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A schema for each type that is read from outside, and the named schemas that these refer to."""
    found, named = msgspec.json.schema_components(list(types), ref_template=REF)
    return [_for_all(one) for one in found], {name: _for_all(one) for name, one in sorted(named.items())}


def given(types: Iterable[type]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Likewise for types that are written here: these have all their members, always, and no others."""
    found, named = taken(types)
    for one in named.values():
        if "properties" in one:
            one["required"] = list(one["properties"])
            one["additionalProperties"] = False
            for member in one["properties"].values():
                member.pop("default", None)
    return found, named


def _for_all(value: Any) -> Any:
    """A schema as every language reads it: no title that is its name again, and `$` for the end of a text."""
    match value:
        case dict():
            made = {key: _for_all(one) for key, one in value.items() if key != "title" or isinstance(one, dict)}
            if isinstance(pattern := made.get("pattern"), str) and pattern.endswith(r"\Z"):
                made["pattern"] = pattern.removesuffix(r"\Z") + "$"
            if isinstance(said := made.get("description"), str):
                made["description"] = _one_line(_PART.split(said)[0])
                for name, text in _ATTRIBUTE.findall(said):
                    made["properties"][name] = {"description": _one_line(text), **made["properties"][name]}
            return made
        case list() | tuple():
            return [_for_all(one) for one in value]
        case _:
            return value


def _one_line(text: str) -> str:
    """A docstring's words as a sentence of JSON's."""
    line = re.sub(r"\bNone\b", "null", " ".join(text.split()))
    return line[:1].upper() + line[1:]
