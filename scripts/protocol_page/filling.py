"""The page's marks, and what stands between them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from protocol.vocabulary import Role

from scripts.protocol_page import diagram, example, limits, tables

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"

_PART = re.compile(r"(<!-- made: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

PARTS: Final[dict[str, Callable[[], str]]] = {
    "source-hears": lambda: tables.statement_table(Role.SOURCE),
    "destination-hears": lambda: tables.statement_table(Role.DESTINATION),
    "source-acts": lambda: tables.act_table(Role.SOURCE),
    "destination-acts": lambda: tables.act_table(Role.DESTINATION),
    "conditions": tables.conditions,
    "effects": tables.effects,
    "replies": tables.replies,
    "source-diagram": lambda: diagram.diagram(Role.SOURCE),
    "destination-diagram": lambda: diagram.diagram(Role.DESTINATION),
    "limits": limits.table,
    "node-limits": limits.node_table,
    "node-info": example.node_info,
    "event": example.events,
    "example": example.handshake,
}


def filled(page: str) -> str:
    """The page with every made part as the code makes it today.

    Raises:
        ValueError: a part is unknown, or has no place on the page, or more than one.
    """
    names = [match["name"] for match in _PART.finditer(page)]
    if sorted(names) != sorted(PARTS):
        raise ValueError(f"The page has the parts {sorted(names)}; they should be {sorted(PARTS)}.")
    return _PART.sub(lambda match: f"{match[1]}\n{PARTS[match['name']]()}\n\n{match[3]}", page)
