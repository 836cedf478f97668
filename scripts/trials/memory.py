"""What a node has on disk, read beside it: the rows themselves, not what the node says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.connections.stored import from_row
from node.data_directory import DATABASE_FILE
from node.delivery.events import StatusEvent, decode_event
from node.store.schema import broadcasts, connections, events, metadata, notices
from sqlalchemy import create_engine, func, select
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from pathlib import Path

    from node.connections.stored import Connection

_CONNECTIONS = select(connections).order_by(connections.c.n)
_EVENTS = (
    select(connections.c.sys_id, events.c.data)
    .join(connections, connections.c.n == events.c.connection_n)
    .order_by(events.c.connection_n, events.c.seq)
)
_WAITING = select(func.count()).select_from(broadcasts)
_NOTICES = select(connections.c.sys_id, notices.c.kind, notices.c.about).join(
    connections, connections.c.n == notices.c.connection_n
)


class Memory:
    """The database of one data directory, opened anew and read-only for each look."""

    def __init__(self, data: Path) -> None:
        self._engine = create_engine(f"sqlite:///file:{data / DATABASE_FILE}?mode=ro&uri=true", poolclass=NullPool)

    def connections(self) -> list[Connection]:
        """Every connection, hidden ones too."""
        with self._engine.connect() as look:
            return [from_row(row) for row in look.execute(_CONNECTIONS)]

    def logs(self) -> dict[str, list[StatusEvent]]:
        """The event log of each connection, by sys_id, oldest first."""
        found: dict[str, list[StatusEvent]] = {}
        with self._engine.connect() as look:
            for sys_id, data in look.execute(_EVENTS):
                event = decode_event(data)
                assert isinstance(event, StatusEvent)  # noqa: S101 - the log holds nothing else
                found.setdefault(sys_id, []).append(event)
        return found

    def waiting_broadcasts(self) -> int:
        """How many broadcasts the broker has not acknowledged."""
        with self._engine.connect() as look:
            return look.execute(_WAITING).scalar_one()

    def notices(self) -> list[tuple[str, str, str]]:
        """Every notice to an admin: sys_id, kind, about."""
        with self._engine.connect() as look:
            return [(row.sys_id, row.kind, row.about) for row in look.execute(_NOTICES)]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        with self._engine.connect() as look:
            return {
                table.name: sorted((tuple(row) for row in look.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }
