"""Bring an older database to this version's schema, by Alembic; loaded only when there is something to migrate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from node.store.database import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """The Alembic configuration of the node's own migrations."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.attributes["connection"] = connection
    return made


def migrate(connection: Connection, *, found: str, where: str) -> None:
    """Run the migrations that the database lacks, in one transaction.

    Raises:
        StoreError: the database is of a newer version of Handclasp; nothing was changed.
    """
    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    if found not in known:
        raise StoreError(
            f"The database {where} was written by a newer version of Handclasp (schema {found}). "
            "Start that version, or name another data directory."
        )
    with connection.begin():
        command.upgrade(config(connection), "head")
