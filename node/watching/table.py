"""The picture as tables for people, drawn by rich: one row for each connection, then one for each node.

On a terminal too narrow for a table each row stands by itself, and a node is shown by the beginning of its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from node.cli.failures import visible
from node.cli.output import STYLES
from node.cli.tables import TABLE_COLUMNS, is_narrow, laid_out
from node.watching.lines import NOTHING_YET, agreement, node_labels, short, state_of
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from node.watching.picture import JoinedConnection, Picture, View

PRESENCE_STYLES: Final = {"online": "green", "offline": "yellow", "lost": "red"}
CONNECTION_TITLES: Final = ("ID", "NAME", "STATUS", "SOURCE", "DESTINATION", "MISSED")
NODE_TITLES: Final = ("NODE", "PRESENCE", "KNOWN AS")
SHORT_NAMES_MAX: Final = 3
"""How many of a node's short names are shown beside its id."""


def picture_table(picture: Picture, *, columns: int, rows_max: int | None = None, notice: str = "") -> RenderableType:
    """Both tables, and below them what is missing and what is amiss.

    Args:
        picture: what is known.
        columns: how wide the terminal is.
        rows_max: how many rows of a table there is room for; None: for all.
        notice: one sentence, such as that the link is lost; may be empty.
    """
    connections, nodes = picture.connections(), picture.nodes()
    parts: list[RenderableType] = []
    if not connections and not nodes:
        parts.append(Text(NOTHING_YET))
    if connections:
        rows = [_row(one) for one in connections[:rows_max]]
        parts += _portion(CONNECTION_TITLES, rows, len(connections), columns=columns, rows_max=rows_max)
    if nodes:
        rows = _nodes(picture, connections, rows_max, is_short=columns < TABLE_COLUMNS)
        parts += [Text()] if connections else []
        parts += _portion(NODE_TITLES, rows, len(nodes), columns=columns, rows_max=rows_max)
    if picture.counts.beyond:
        parts.append(Text("There is more than can be held; what came last is not shown.", style="yellow"))
    if notice:
        parts.append(Text(visible(notice), style="yellow"))
    return Group(*parts)


def _portion(
    titles: Sequence[str], rows: Sequence[Sequence[Text]], count: int, *, columns: int, rows_max: int | None
) -> list[RenderableType]:
    """As many rows as there is room for, and how many more there are."""
    if rows_max is not None and is_narrow(titles, rows, columns=columns):
        rows = rows[: max(1, rows_max // (len(titles) + 1))]  # each has its lines, and one that parts it from the next
    hidden = count - len(rows)
    table = laid_out(titles, rows, columns=columns)
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


def _nodes(
    picture: Picture, connections: Sequence[JoinedConnection], rows_max: int | None, *, is_short: bool
) -> list[list[Text]]:
    names: dict[str, set[str]] = {}
    for view in (view for one in connections for view in one.views if view.data.local_short_name):
        names.setdefault(view.data.node, set()).add(view.data.local_short_name)
    rows = []
    for one in picture.nodes()[:rows_max]:
        known_as = sorted(names.get(one.node, ()))
        more = ", …" if len(known_as) > SHORT_NAMES_MAX else ""
        doubt = "" if picture.is_confirmed(one.node) else " (unconfirmed)"
        rows.append(
            [
                _cell(short(one.node) if is_short else one.node),
                _cell(one.state + doubt, PRESENCE_STYLES[one.state] if not doubt else "dim"),
                _cell(", ".join(known_as[:SHORT_NAMES_MAX]) + more),
            ]
        )
    return rows


def _cell(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)
