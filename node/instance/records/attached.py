"""What hangs on a record and goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from node.instance.internal import attachment_contents

if TYPE_CHECKING:
    from node.instance.database import Transaction


def remove_what_hangs_on(tx: Transaction, table: str, sys_id: str) -> None:
    """Remove the journals and attachments of a record, and the bytes of an attachment."""
    if table == "sys_attachment":
        tx.connection.execute(delete(attachment_contents).where(attachment_contents.c.attachment == sys_id))
        return
    entries = tx.catalog.physical("sys_journal_field")
    attachments = tx.catalog.physical("sys_attachment")
    own = (attachments.c.table_sys_id == sys_id, attachments.c.table_name == table)
    tx.connection.execute(delete(entries).where(entries.c.element_id == sys_id, entries.c.name == table))
    bytes_of = select(attachments.c.sys_id).where(*own)
    tx.connection.execute(delete(attachment_contents).where(attachment_contents.c.attachment.in_(bytes_of)))
    tx.connection.execute(delete(attachments).where(*own))
    tx.touched |= {entries.name, attachments.name}
