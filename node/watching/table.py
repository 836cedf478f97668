"""The picture as tables for people, drawn by rich: one row for each connection, then one for each node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from node.cli.failures import visible
from node.cli.output import STYLES
from node.watching.lines import NOTHING_YET, agreement, node_labels, short, state_of
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from node.watching.picture import JoinedConnection, Picture, View

PRESENCE_STYLES: Final = {"online": "green", "offline": "yellow", "lost": "red"}
SHORT_NAMES_MAX: Final = 3
"""How many of a node's short names are shown beside its id."""


def picture_table(picture: Picture, *, rows_max: int | None = None, notice: str = "") -> RenderableType:
    """Both tables, and below them what is missing and what is amiss.

    Args:
        picture: what is known.
        rows_max: how many rows there is room for; None: for all.
        notice: one sentence, such as that the link is lost; may be empty.
    """
    connections, nodes = picture.connections(), picture.nodes()
    parts: list[RenderableType] = []
    if not connections and not nodes:
        parts.append(Text(NOTHING_YET))
    if connections:
        parts += _portion(connections, rows_max)
    if nodes:
        parts += [*([Text()] if connections else []), _nodes(picture, connections, rows_max)]
    if picture.counts.beyond:
        parts.append(Text("There is more than can be held; what came last is not shown.", style="yellow"))
    if notice:
        parts.append(Text(visible(notice), style="yellow"))
    return Group(*parts)


def _portion(connections: Sequence[JoinedConnection], rows_max: int | None) -> list[RenderableType]:
    shown = connections if rows_max is None else connections[:rows_max]
    table = _table("ID", "NAME", "STATUS", "SOURCE", "DESTINATION", "MISSED")
    for one in shown:
        table.add_row(*_row(one))
    hidden = len(connections) - len(shown)
    return [table, Text(f"… and {hidden} more", style="dim")] if hidden else [table]


def _row(one: JoinedConnection) -> list[Text]:
    missed = sum(view.missed for view in one.views)
    is_stale = any(view.stale for view in one.views)
    style = STYLES.get(one.agreed or "", "") if not is_stale else "dim"
    return [
        _cell(short(one.connection)),
        _cell(one.views[0].data.name),
        _cell(agreement(one), style),
        _side(one.views, Role.SOURCE),
        _side(one.views, Role.DESTINATION),
        _cell(str(missed) if missed else "", "yellow"),
    ]


def _side(views: Sequence[View], role: Role) -> Text:
    said = [f"{node_labels(views)[view.data.node]}: {state_of(view)}" for view in views if view.data.role is role]
    style = "dim" if any(view.stale for view in views if view.data.role is role) else ""
    return _cell("; ".join(said) or "not heard", style if said else "dim")


def _nodes(picture: Picture, connections: Sequence[JoinedConnection], rows_max: int | None) -> Table:
    names: dict[str, set[str]] = {}
    for view in (view for one in connections for view in one.views if view.data.local_short_name):
        names.setdefault(view.data.node, set()).add(view.data.local_short_name)
    table = _table("NODE", "PRESENCE", "KNOWN AS")
    for one in picture.nodes()[:rows_max]:
        known_as = sorted(names.get(one.node, ()))
        more = ", …" if len(known_as) > SHORT_NAMES_MAX else ""
        doubt = "" if picture.is_confirmed(one.node) else " (unconfirmed)"
        table.add_row(
            _cell(one.node),
            _cell(one.state + doubt, PRESENCE_STYLES[one.state] if not doubt else "dim"),
            _cell(", ".join(known_as[:SHORT_NAMES_MAX]) + more),
        )
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _cell(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)
