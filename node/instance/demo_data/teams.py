"""The groups that people work in, and the roles that people and groups have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.instance import first_records
from node.instance.demo_data import known
from node.instance.demo_data.departments import IT
from node.instance.demo_data.drawing import Draw, flag, sys_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from node.instance.demo_data.firms import Firm
    from node.instance.demo_data.people import Person
    from node.instance.demo_data.record import Record

ADMIN_COUNT: Final = 14
"""How many users have the role admin; tests of clients count on more than 10 and fewer than 25."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A group that incidents are assigned to."""

    sys_id: str
    name: str
    manager: Person
    members: Sequence[Person]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    name: str
    purpose: str
    titles: tuple[str, ...]
    """Whose titles make them members, before others are drawn."""
    roles: tuple[str, ...]
    size: int
    type: str = "itil"
    is_active: bool = True


_PLANS: Final = (
    *(
        _Plan(name=name, purpose=purpose, titles=titles, roles=roles, size=size)
        for name, purpose, titles, roles, size in (
            ("Service Desk", "First to answer: takes, sorts and solves.", ("Service Desk Analyst",), ("itil",), 7),
            ("Network", "Cables, wireless, gateways.", ("Network Engineer",), ("itil",), 5),
            ("Database", "Databases of all applications.", ("Database Administrator",), ("itil",), 4),
            ("Server Operations", "Servers, storage, backup.", ("Systems Engineer",), ("itil",), 5),
            ("Business Applications", "Applications of the business.", ("Application Specialist",), ("itil",), 6),
            ("Software", "Packages, licenses, updates of workplaces.", ("Application Specialist",), ("itil",), 4),
            ("Workplace Support", "Laptops, printers, rooms.", ("Workplace Technician",), ("itil",), 6),
            ("Identity & Access", "Accounts and what they may.", ("Security Analyst",), ("itil", "user_admin"), 4),
            ("Security Operations", "Watches, blocks, investigates.", ("Security Analyst",), ("itil",), 4),
            ("Problem Management", "Finds causes.", ("Systems Engineer",), ("itil", "problem_admin"), 4),
            ("Change Advisory Board", "Approves changes.", ("Network Engineer",), ("itil", "change_manager"), 5),
            ("Asset Management", "Knows what is owned, and where it is.", ("Workplace Technician",), ("asset",), 3),
            ("Knowledge Management", "Keeps articles true.", ("Service Desk Analyst",), ("knowledge_admin",), 3),
            ("Service Catalog", "What can be ordered, and how.", ("Application Specialist",), ("catalog_admin",), 3),
            ("Platform Administration", "Looks after this instance.", ("Systems Engineer",), ("admin",), 4),
        )
    ),
    _Plan(
        name="Office Moves",
        purpose="Was for the move of the seat.",
        titles=("Workplace Technician",),
        roles=(),
        size=2,
        type="project",
        is_active=False,
    ),
)

_ROLES: Final = {
    "problem_coordinator": "Coordinates work on problems",
    "catalog": "Edits catalog items",
    "catalog_admin": "Sets the catalog up",
    "knowledge": "Writes articles",
    "knowledge_admin": "Sets knowledge bases up",
    "report_user": "Makes reports",
}
"""What each role is for that an instance does not begin with, by ServiceNow's name."""

_CONTAINED: Final = (
    ("admin", ("itil", "problem_admin", "user_admin", "catalog_admin", "knowledge_admin")),
    ("itil_admin", ("itil",)),
    ("problem_admin", ("problem_manager",)),
    ("problem_manager", ("problem_coordinator",)),
    ("problem_coordinator", ("itil",)),
    ("change_manager", ("itil",)),
    ("catalog_admin", ("catalog",)),
    ("knowledge_admin", ("knowledge",)),
)
"""Which roles a role brings with it."""


def role_id(seed: int, name: str) -> str:
    """The sys_id of a role, whether the instance began with it or the company brings it."""
    return sys_id(seed, "role", name) if name in _ROLES else first_records.role_id(name)


def teams(seed: int, everybody: Sequence[Person]) -> Mapping[str, Team]:
    """The groups by name."""
    draw = Draw(seed, "teams")
    able = [one for one in everybody if one.department == IT.name and one.is_active and not one.is_account]
    found = {}
    managers = draw.some(len(_PLANS), [one for one in able if not one.is_head])
    for plan, manager in zip(_PLANS, managers, strict=True):
        fitting = [one for one in able if one.title in plan.titles and one is not manager]
        others = [one for one in able if one not in fitting and one is not manager]
        members = [manager, *draw.some(plan.size - 1, fitting)]
        members += draw.some(plan.size - len(members), others)
        found[plan.name] = Team(
            sys_id=sys_id(seed, "group", plan.name), name=plan.name, manager=manager, members=tuple(members)
        )
    return found


def team_records(seed: int, own: Firm, groups: Mapping[str, Team]) -> Iterable[Record]:
    """Groups and their members."""
    for plan in _PLANS:
        team = groups[plan.name]
        mailbox = plan.name.lower().replace(" & ", "-").replace(" ", "-")
        yield (
            "sys_user_group",
            {
                "sys_id": team.sys_id,
                "name": plan.name,
                "description": plan.purpose,
                "manager": team.manager.sys_id,
                "email": f"{mailbox}@{own.domain}",
                "type": plan.type,
                "active": flag(plan.is_active),
            },
        )
    for team in groups.values():
        for member in team.members:
            yield (
                "sys_user_grmember",
                {
                    "sys_id": sys_id(seed, "member", team.name, member.user_name),
                    "user": member.sys_id,
                    "group": team.sys_id,
                },
            )


def role_records(seed: int, everybody: Sequence[Person], groups: Mapping[str, Team]) -> Iterable[Record]:
    """Roles, what they contain, and who has them: users by themselves, groups, and users by their groups."""
    for name, purpose in _ROLES.items():
        record = {"sys_id": role_id(seed, name), "name": name, "description": purpose, "sys_name": name}
        yield "sys_user_role", record
    for name, contained in _CONTAINED:
        for other in contained:
            row = {"sys_id": sys_id(seed, "contains", name, other)}
            yield "sys_user_role_contains", row | {"role": role_id(seed, name), "contains": role_id(seed, other)}
    for plan in _PLANS:
        for role in plan.roles:
            row = {"sys_id": sys_id(seed, "group role", plan.name, role), "group": groups[plan.name].sys_id}
            yield "sys_group_has_role", row | {"role": role_id(seed, role), "inherits": "true"}
    yield from _held(seed, everybody, groups)


def _held(seed: int, everybody: Sequence[Person], groups: Mapping[str, Team]) -> Iterable[Record]:
    draw = Draw(seed, "roles")
    held: dict[tuple[str, str], str] = {}  # user and role: the group that it comes by, or none
    for account in everybody:
        if account.sys_id == known.ADMIN_USER:
            held[account.sys_id, "admin"] = ""
        elif account.sys_id == known.PROBLEM_ADMIN_USER:
            held[account.sys_id, "problem_admin"] = ""
        elif account.is_account:
            held[account.sys_id, "problem_manager"] = ""
    for plan in _PLANS:
        for role in plan.roles:
            for member in groups[plan.name].members:
                held.setdefault((member.sys_id, role), groups[plan.name].sys_id)
    admins = {user for user, role in held if role == "admin"}
    able = [one for one in everybody if one.department == IT.name and one.is_active and one.sys_id not in admins]
    for one in draw.some(ADMIN_COUNT - len(admins), [one for one in able if not one.is_account]):
        held[one.sys_id, "admin"] = ""
    for one in everybody:
        if one.is_head:
            held[one.sys_id, "approver_user"] = ""
        if one.is_active and draw.chance(0.1):
            held[one.sys_id, "report_user"] = ""
    for (user, role), group in held.items():
        row = {
            "sys_id": _holding_id(seed, user, role),
            "user": user,
            "role": role_id(seed, role),
            "inherited": flag(group),
            "state": "active",
        }
        yield "sys_user_has_role", row | ({"granted_by": group} if group else {})


def _holding_id(seed: int, user: str, role: str) -> str:
    if (user, role) == (known.ADMIN_USER, "admin"):
        return first_records.ADMIN_HAS_ROLE  # an instance begins with it
    return sys_id(seed, "user role", user, role)
