"""Whether two nodes agree on their connections, once nobody owes anybody anything (protocol section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.records import DestinationRecord, SourceRecord
from protocol.vocabulary import Phase, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from node.connections.stored import Connection
    from protocol.records import Record

    from scripts.trials.world import TrialNode

_LIVING = frozenset({Phase.AWAITING, Phase.ACTIVE})


def unsettled(nodes: Sequence[TrialNode], *, forgotten: Collection[str] = (), resynced: bool = True) -> list[str]:
    """What has not come to rest between two nodes, as sentences: owed, waiting for the broker, or not agreed on.

    `forgotten` names connections that an admin forgot: that node tells the partner nothing any more, which learns it
    at its own next resync. Before that (`resynced` is false) the two need not agree on them.
    """
    found: list[str] = []
    sides: dict[str, dict[str, Connection]] = {}
    for node in nodes:
        if waiting := node.memory.waiting_broadcasts():
            found.append(f"{waiting} broadcasts of the node {node.name} wait for the broker")
        for connection in node.memory.connections():
            if connection.record.owed:
                found.append(f"connection {connection.sys_id}: the node {node.name} still owes a statement")
            sides.setdefault(connection.sys_id, {})[connection.role.value] = connection
    for sys_id, both in sides.items():
        was_forgotten = sys_id in forgotten
        if was_forgotten and not resynced:
            continue
        if fault := disagreement(both.get("source"), both.get("destination"), forgotten=was_forgotten):
            found.append(f"connection {sys_id}: {fault}")
    return found


def disagreement(source: Connection | None, destination: Connection | None, *, forgotten: bool = False) -> str:
    """What the two sides of a connection do not agree on when nothing is owed; empty: they agree."""
    s, d = source.record if source else None, destination.record if destination else None
    assert not isinstance(s, DestinationRecord)  # noqa: S101 - the caller sorts them
    assert not isinstance(d, SourceRecord)  # noqa: S101 - likewise
    if s is None:
        waits = d is not None and d.mine.phase is Phase.ACCEPTED
        return f"the destination is {_said(d)}, and the source does not know it" if waits else ""
    if d is None:
        return f"the source is {_said(s)}, and the destination has no record" if s.mine.phase in _LIVING else ""
    both = f"the source is {_said(s)}, the destination {_said(d)}"
    if d.serial != s.serial:
        waits = d.serial > s.serial or d.mine.phase is Phase.ACCEPTED or s.mine.phase in _LIVING
        return f"{both}, of another code" if waits else ""
    difference = _difference(s, d, forgotten=forgotten)
    return f"{both}{difference}" if difference else ""


def _difference(s: SourceRecord, d: DestinationRecord, *, forgotten: bool) -> str:
    """Between records of the same code."""
    match s.mine.phase, d.mine.phase:
        case Phase.PENDING, Phase.ANNOUNCED:
            return ""
        case Phase.PENDING, Phase.CLOSED if forgotten:  # never told, and nobody asks before the code expires
            return ""
        case ((Phase.AWAITING | Phase.ACTIVE), Phase.ACCEPTED):
            same = s.theirs == d.mine and d.theirs == s.mine
            return "" if same else f"; of each other they hold {s.theirs} and {d.theirs}"
        case Phase.CLOSED, Phase.CLOSED:
            both_blame = s.mine.reason is Reason.BY_PARTNER and d.mine.reason is Reason.BY_PARTNER
            return "; each says that the other closed it" if both_blame else ""
        case _:
            return "; that is no agreement"


def _said(record: Record | None) -> str:
    return str(record.mine) if record is not None else "nothing"
