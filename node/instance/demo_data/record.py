"""What demo data is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Record: TypeAlias = tuple[str, dict[str, str]]
"""A table's name, and a record of it by field name: wire values, as ServiceNow writes them. Absent fields are empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAttachment:
    """A file that hangs on a record.

    Attributes:
        created_on: `YYYY-MM-DD HH:MM:SS`, UTC.
        created_by: a user_name.
    """

    sys_id: str
    table_name: str
    table_sys_id: str
    file_name: str
    content_type: str
    created_on: str
    created_by: str
    content: bytes = field(repr=False)
