"""The picture as text: one line for each change, or JSON of the same, for logs and programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from node.watching.picture import ChangeKind
from node.words import STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.watching.picture import Change, JoinedConnection, Picture, View

ID_CHARACTERS: Final = 8
"""How much of an id is shown, as in `handclasp connections list`."""

NOTHING_YET: Final = "No node has told anything there yet. Nodes that publish to this broker appear by themselves."


def short(identifier: str) -> str:
    """The first characters of an id."""
    return identifier[:ID_CHARACTERS]


def state_of(view: View) -> str:
    """A view's status, why it is closed, and whether it may be out of date: `closed (removed), stale: lost`."""
    reason = f" ({view.data.reason})" if view.data.reason is not None else ""
    stale = f", stale: {view.stale}" if view.stale else ""
    return f"{view.data.status}{reason}{stale}"


def node_labels(views: Sequence[View]) -> dict[str, str]:
    """How each node is called in a connection: its short name, or its id where that tells them not apart."""
    names = [view.data.local_short_name for view in views]
    are_usable = all(names) and len(set(names)) == len(names)
    return {view.data.node: view.data.local_short_name if are_usable else short(view.data.node) for view in views}


def agreement(connection: JoinedConnection) -> str:
    """The status that both sides say, or who says what: `a: closed / b: active`."""
    if connection.agreed is not None:
        text = STATUSES.get(connection.agreed, connection.agreed)
    else:
        labels = node_labels(connection.views)
        text = " / ".join(f"{labels[view.data.node]}: {view.data.status}" for view in connection.views)
    return f"{text} (stale)" if any(view.stale for view in connection.views) else text


def change_line(change: Change, picture: Picture) -> str:
    """One change for people, as one line."""
    if change.presence is not None:
        views = len(picture.views_of(change.node)) if change.presence.state != "online" else 0
        effect = f"; {views} of its views are stale" if views > 1 else "; 1 of its views is stale" if views else ""
        return f"node {change.node} is {change.presence.state}{effect}"
    if change.view is None:
        return f"node {change.node} changed"
    data = change.view.data
    who = f"{data.local_short_name or short(data.node)}, the {data.role},"
    about = f"connection {short(data.connection)} {data.name}".rstrip()
    if change.kind is ChangeKind.GONE:
        return f"{about}: {who} no longer has it"
    events = "1 event was missed" if change.missed == 1 else f"{change.missed} events were missed"
    return f"{about}: {who} says {state_of(change.view)}" + (f"; {events}" if change.missed else "")


def change_json(change: Change) -> str:
    """One change for programs, as one line of JSON."""
    document: dict[str, Any] = {"change": change.kind.value, "node": change.node, "retained": change.retained}
    if change.presence is not None:
        document |= {"state": change.presence.state, "session": change.presence.session}
    if change.view is not None:
        document |= {"missed": change.missed, **_view(change.view)}
    return _dumped(document)


def picture_json(picture: Picture) -> str:
    """The whole picture for programs, as one JSON document."""
    return _dumped(
        {
            "nodes": [msgspec.to_builtins(one) for one in picture.nodes()],
            "connections": [
                {
                    "connection": one.connection,
                    "name": one.views[0].data.name,
                    "status": one.agreed,
                    "views": [{**_view(view), "missed": view.missed} for view in one.views],
                }
                for one in picture.connections()
            ],
            "left_out": {name: getattr(picture.counts, name) for name in picture.counts.__slots__},
        },
        indent=2,
    )


def _view(view: View) -> dict[str, Any]:
    return {**msgspec.to_builtins(view.data), "stale": view.stale or None}


def _dumped(document: dict[str, Any], *, indent: int | None = None) -> str:
    # In ASCII: anybody may publish, and what a terminal or a reader of lines would obey stays escaped.
    return json.dumps(document, indent=indent)
