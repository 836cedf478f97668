"""The node's connections as a table of the instance: a view over the node's own database, read only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.catalog import CONNECTION_TABLE

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

_WHEN: Final = "strftime('%Y-%m-%d %H:%M:%S', {}, 'unixepoch')"

_COLUMNS: Final = {
    "sys_id": "sys_id",
    "sys_created_on": _WHEN.format("created_at_ms / 1000"),
    "sys_created_by": "'system'",
    "sys_updated_on": _WHEN.format("changed_at_ms / 1000"),
    "sys_updated_by": "'system'",
    "sys_mod_count": "revision",
    "sys_tags": "NULL",
    "name": "name",
    "role": "role",
    "status": "status",
    "mode": "mode",
    "local_short_name": "local_short_name",
    "remote_short_name": "remote_short_name",
    "description": "nullif(description, '')",
    "partner_name": "partner_name",
    "partner_node_url": "partner_node_url",
    "partner_instance_url": "partner_instance_url",
    "connection_id": "lower(hex(connection))",
    "expires_on": _WHEN.format("expires_at"),
}

_IS_LISTED: Final = "hidden = 0 AND (status <> 'invited' OR expires_at > unixepoch())"
"""As `node.store.listing.IS_LISTED`: what was removed, and an announcement that has expired, is in no list."""


def attach_connections(raw: sqlite3.Connection, node_database: Path | None) -> None:
    """Give a connection to the instance database the view; without a node's database it is an empty one.

    Raises:
        sqlite3.Error: the file can't be opened.
    """
    if node_database is None:
        empty = ", ".join(f"NULL AS {name}" for name in _COLUMNS)
        raw.execute(f"CREATE TEMP VIEW {CONNECTION_TABLE} AS SELECT {empty} WHERE 0")
        return
    raw.execute("ATTACH ? AS node", (f"{node_database.absolute().as_uri()}?mode=ro",))
    columns = ", ".join(f"{sql} AS {name}" for name, sql in _COLUMNS.items())
    raw.execute(f"CREATE TEMP VIEW {CONNECTION_TABLE} AS SELECT {columns} FROM node.connections WHERE {_IS_LISTED}")  # noqa: S608 - all of it stands above
