"""Where the pages of records stand."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode

from node.console.console import PREFIX
from node.console.list_pages import LIST
from node.instance.catalog import CONNECTION_TABLE

RECORDS: Final = f"{PREFIX}/records"
NEW_RECORD: Final = f"{PREFIX}/new-record"
"""A place of its own: below a table's list any word may be the sys_id of a record."""


_ATTACHING: Final = re.compile(rf"{RECORDS}/[^/]+/[^/]+/attachments")


def takes_file(path: str) -> bool:
    """Whether a form that is sent there has a file in it."""
    return _ATTACHING.fullmatch(path) is not None


def table_place(table: str, **parameters: str | int) -> str:
    """The list of a table's records; parameters that are empty are left out."""
    given = {name: value for name, value in parameters.items() if value not in {"", None}}
    return f"{RECORDS}/{quote(table, safe='')}{'?' if given else ''}{urlencode(given)}"


def record_place(table: str, sys_id: str) -> str:
    """The page of a record; a connection has its own one in the console."""
    if table == CONNECTION_TABLE:
        return f"{LIST}/{quote(sys_id, safe='')}"
    return f"{RECORDS}/{quote(table, safe='')}/{quote(sys_id, safe='')}"
