"""The templates of texts, and how one becomes a text.

`[a|b]` takes one of the alternatives, `{slot}` is filled in. Alternatives hold slots, and no further alternatives.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.instance.demo_data.drawing import Draw

SEVERITIES: Final = ("1", "2", "3")
"""What the three weights of a topic's `urgency` stand for."""

_PARTS: Final = re.compile(r"\[([^\[\]]*)\]|\{([a-z]+)\}")


class Topic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of incident. All texts are templates.

    Attributes:
        team: the group that solves it.
        item: the kind of configuration item that it is about, or `none`.
        weight: how often it comes, among all.
        urgency: how often it is urgent, middling, not urgent.
        cases: a short description, the sentence that opens its description, then what may have helped.
        more: further sentences of the description: one from each list.
        questions: what the service desk asks the caller, then what the caller may answer.
        note: what people find out.
    """

    key: str
    category: str
    team: str
    item: str
    weight: int
    urgency: tuple[int, int, int]
    cases: tuple[tuple[str, ...], ...]
    more: tuple[tuple[str, ...], ...]
    questions: tuple[tuple[str, ...], ...]
    note: tuple[str, ...]
    subcategory: str = ""


class _Topics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topic: tuple[Topic, ...]


@cache
def topics() -> tuple[Topic, ...]:
    """All topics."""
    return msgspec.toml.decode(_read("topics.toml"), type=_Topics).topic


@cache
def phrases() -> Mapping[str, tuple[str, ...]]:
    """What is said in incidents, problems and changes of any kind, by occasion."""
    return msgspec.toml.decode(_read("phrases.toml"), type=dict[str, tuple[str, ...]])


def expand(draw: Draw, template: str, slots: Mapping[str, str]) -> str:
    """A text from the template; KeyError if a slot is not there."""
    text = []
    for fixed, slot, alternatives in _parse(template):
        text.append(fixed)
        if slot:
            text.append(slots[slot])
        elif alternatives:
            text.append(expand(draw, draw.one(alternatives), slots))
    return "".join(text)


def expand_one(draw: Draw, templates: Sequence[str], slots: Mapping[str, str]) -> str:
    """A text from one of the templates."""
    return expand(draw, draw.one(templates), slots)


@cache
def _parse(template: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """What is fixed, and the slot or the alternatives behind it."""
    parts, end = [], 0
    for found in _PARTS.finditer(template):
        alternatives = tuple(found[1].split("|")) if found[1] is not None else ()
        parts.append((template[end : found.start()], found[2] or "", alternatives))
        end = found.end()
    return (*parts, (template[end:], "", ()))


def _read(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()
