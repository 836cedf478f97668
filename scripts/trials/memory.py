"""What a node has on disk, read beside it: the rows themselves, not what the node says of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from node.connections.stored import from_row
from node.data_directory import DATABASE_FILE
from node.delivery.events import StatusEvent, decode_event
from node.store.schema import broadcasts, connections, events, metadata
from sqlalchemy import create_engine, func, select
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from node.connections.stored import Connection
    from sqlalchemy import Connection as Look

_CONNECTIONS = select(connections).order_by(connections.c.n)
_EVENTS = (
    select(connections.c.sys_id, events.c.data)
    .join(connections, connections.c.n == events.c.connection_n)
    .order_by(events.c.connection_n, events.c.seq)
)
_WAITING = select(func.count()).select_from(broadcasts)


class Memory:
    """The database of one data directory, opened anew and read-only for each look; a look sees one moment."""

    def __init__(self, data: Path) -> None:
        self._engine = create_engine(f"sqlite:///file:{data / DATABASE_FILE}?mode=ro&uri=true", poolclass=NullPool)

    def connections(self) -> list[Connection]:
        """Every connection, hidden ones too."""
        with self._look() as look:
            return [from_row(row) for row in look.execute(_CONNECTIONS)]

    def history(self) -> tuple[list[Connection], dict[str, list[StatusEvent]]]:
        """Every connection, and the event log of each that has one, by sys_id, oldest first."""
        logs: dict[str, list[StatusEvent]] = {}
        with self._look() as look:
            found = [from_row(row) for row in look.execute(_CONNECTIONS)]
            for sys_id, data in look.execute(_EVENTS):
                event = decode_event(data)
                assert isinstance(event, StatusEvent)  # noqa: S101 - the log holds nothing else
                logs.setdefault(sys_id, []).append(event)
        return found, logs

    def waiting_broadcasts(self) -> int:
        """How many broadcasts the broker has not acknowledged."""
        with self._look() as look:
            return look.execute(_WAITING).scalar_one()

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        with self._look() as look:
            return {
                table.name: sorted((tuple(row) for row in look.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }

    @contextmanager
    def _look(self) -> Iterator[Look]:
        with self._engine.connect() as look:
            look.exec_driver_sql("BEGIN")  # the driver begins nothing for a SELECT
            yield look
