"""The people of an instance as they are needed at each request: who they are, and which roles they have."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import bindparam, column, insert, literal, select, table, union, union_all

from node.bearer import digest_of
from node.instance.internal import notes
from node.instance.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Row, Select

    from node.instance.database import InstanceDatabase, Transaction

    Opened = Callable[[], Awaitable[InstanceDatabase]]
    """Opens the instance's database at its first call; sign-in is often what asks first."""

ZONE: Final = "America/Los_Angeles"
"""Where a user is who names no time zone: a new ServiceNow instance says so too."""

KNOWN_MAX: Final = 4_096

ROOTS: Final = (
    "sys_user",
    "sys_user_group",
    "sys_user_grmember",
    "sys_metadata",  # roles are records of it
    "sys_user_has_role",
    "sys_group_has_role",
    "sys_user_role_contains",
)
"""What a person is made from; whatever is remembered of people counts until one of these is written to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user, with what signing in asks of one.

    Attributes:
        password: the hash that is kept; none: no password signs this user in.
        is_admitted: active, and not locked out.
        is_for_programs: uses the REST APIs and no page.
        ended: changes each time the user is put out, so that nothing of before counts once they are let in again.
    """

    viewer: Viewer
    password: str | None = field(repr=False)
    is_admitted: bool
    is_for_programs: bool
    ended: str

    @property
    def password_mark(self) -> bytes:
        """By which it is known whether this is still the password of another time, and none was put out since."""
        return digest_of((self.password or "") + self.ended)

    @property
    def is_console_admin(self) -> bool:
        """Whether the console is open to this user."""
        return self.is_admitted and self.viewer.is_admin and not self.is_for_programs


class People:
    """The people of one instance, remembered until something about people is written."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self._memory = _Memory(())

    async def of_id(self, sys_id: str) -> Person | None:
        """The user with that sys_id."""
        database, memory = await self._fresh()
        if sys_id not in memory.persons:
            memory.persons[sys_id] = await database.read(lambda tx: person_in(tx, sys_id))
        return memory.persons[sys_id]

    async def of_name(self, user_name: str) -> Person | None:
        """The user who signs in by that name, in whatever case of A to Z; nobody has an empty one."""
        database, memory = await self._fresh()
        try:
            name = user_name.encode().lower()  # as the database compares: no other letters are folded
        except UnicodeEncodeError:  # half a character, which JSON can tell and no database holds
            return None
        if name in memory.ids:
            return memory.persons[memory.ids[name]]
        found = await database.read(lambda tx: _person(tx, _BY_NAME, user_name)) if name else None
        if found is not None:
            memory.persons[found.viewer.sys_id] = found
            memory.ids[name] = found.viewer.sys_id
        return found

    async def _fresh(self) -> tuple[InstanceDatabase, _Memory]:
        """The database, and what is remembered of it as it is now.

        Whoever reads keeps the memory of before: what they put in there is of no use to those who come later.
        """
        database = await self.opened()
        as_of = tuple(database.versions[root] for root in ROOTS)
        if as_of != self._memory.as_of or len(self._memory.persons) > KNOWN_MAX:
            self._memory = _Memory(as_of)
        return database, self._memory


@dataclass(frozen=True, slots=True)
class _Memory:
    as_of: tuple[int, ...]
    persons: dict[str, Person | None] = field(default_factory=dict)
    ids: dict[bytes, str] = field(default_factory=dict)


_USER: Final = table(
    "sys_user",
    *(
        column(name)
        for name in (
            "sys_id",
            "user_name",
            "name",
            "user_password",
            "active",
            "locked_out",
            "web_service_access_only",
            "time_zone",
        )
    ),
)
_GROUP: Final = table("sys_user_group", column("sys_id"), column("parent"))
_MEMBER: Final = table("sys_user_grmember", column("user"), column("group"))
_ROLE: Final = table("sys_metadata", column("sys_id"), column("sys_class_name"), column("name"))
_HAS: Final = table("sys_user_has_role", column("user"), column("role"))
_GROUP_HAS: Final = table("sys_group_has_role", column("group"), column("role"))
_CONTAINS: Final = table("sys_user_role_contains", column("role"), column("contains"))

_ENDED: Final = "sign-ins ended: "
_NOTE: Final = select(notes.c.value).where(notes.c.name == literal(_ENDED) + _USER.c.sys_id)
_FOUND: Final = select(_USER, _NOTE.scalar_subquery().label("ended"))
_BY_ID: Final = _FOUND.where(_USER.c.sys_id == bindparam("wanted"))
_BY_NAME: Final = _FOUND.where(_USER.c.user_name == bindparam("wanted")).order_by(_USER.c.sys_id).limit(1)


def person_in(tx: Transaction, sys_id: str) -> Person | None:
    """The user with that sys_id, as a transaction sees them."""
    return _person(tx, _BY_ID, sys_id)


def end_sign_ins(tx: Transaction, sys_id: str, mark: str) -> None:
    """Let no session count that a user has; `mark` is one that there never was."""
    note = {"name": f"{_ENDED}{sys_id}", "value": mark}
    tx.connection.execute(insert(notes).prefix_with("OR REPLACE"), note)


@cache
def _memberships() -> Select[Any]:
    """(kind, value): the groups that a user is in, and the names of the roles that follow from all of it.

    A group has the roles of the groups above it, a role has those that it contains.
    """
    direct = select(_MEMBER.c.group).where(_MEMBER.c.user == bindparam("wanted"))
    groups = direct.cte("groups", recursive=True)
    groups = groups.union(
        select(_GROUP.c.parent).join(groups, groups.c.group == _GROUP.c.sys_id).where(_GROUP.c.parent.is_not(None))
    )
    held = union(
        select(_HAS.c.role).where(_HAS.c.user == bindparam("wanted")),
        select(_GROUP_HAS.c.role).join(groups, groups.c.group == _GROUP_HAS.c.group),
    ).subquery("held")
    roles = select(held.c.role).cte("roles", recursive=True)
    roles = roles.union(select(_CONTAINS.c.contains).join(roles, roles.c.role == _CONTAINS.c.role))
    return union_all(
        select(literal("group"), _MEMBER.c.group).where(_MEMBER.c.user == bindparam("wanted")),
        select(literal("role"), _ROLE.c.name)
        .join(roles, roles.c.role == _ROLE.c.sys_id)
        .where(_ROLE.c.sys_class_name == "sys_user_role"),
    )  # type: ignore[return-value] # a CompoundSelect, which is executed like a Select


def _person(tx: Transaction, statement: Select[Any], wanted: str) -> Person | None:
    user = tx.connection.execute(statement, {"wanted": wanted}).first()
    if user is None:
        return None
    found = tx.connection.execute(_memberships(), {"wanted": user.sys_id}).all()
    return Person(
        viewer=Viewer(
            sys_id=user.sys_id,
            user_name=user.user_name or "",
            name=user.name or user.user_name or "",
            roles=frozenset(value for kind, value in found if kind == "role" and value),
            groups=frozenset(value for kind, value in found if kind == "group" and value),
            zone=zone_of(user.time_zone),
        ),
        password=user.user_password,
        is_admitted=_is_admitted(user),
        is_for_programs=bool(user.web_service_access_only),
        ended=user.ended or "",
    )


def _is_admitted(user: Row[Any]) -> bool:
    return bool(user.active) and not user.locked_out


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone of that name, else the instance's own."""
    try:
        return ZoneInfo(name or ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(ZONE)
