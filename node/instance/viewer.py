"""Who asks: the user in whose name a request is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final

ADMIN_ROLE: Final = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A user of the instance.

    Attributes:
        sys_id: of the `sys_user` record.
        roles: the names of all roles that the user has, by whatever way.
        groups: the sys_ids of the groups that the user is in.
        zone: in which display values show instants.
    """

    sys_id: str
    user_name: str
    name: str
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    zone: tzinfo = UTC

    @property
    def is_admin(self) -> bool:
        """Whether nothing is closed to the user."""
        return ADMIN_ROLE in self.roles
