"""The people of the company, and the departments that they are in."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from node.instance.demo_data import known, words
from node.instance.demo_data.departments import DEPARTMENTS, FINANCE, IT
from node.instance.demo_data.drawing import DAY_S, HOUR_S, Draw, flag, instant, sys_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from node.instance.demo_data.departments import Department
    from node.instance.demo_data.firms import Firm
    from node.instance.demo_data.places import Place
    from node.instance.demo_data.record import Record

MOBILE_COUNT: Final = 14
"""How many people have a mobile phone of the company; tests of clients count on fewer than 20."""
LEAVER_COUNT: Final = 4
AT_SEAT: Final = 0.35
"""Which part of the people works where the company has its seat."""

_ASCII: Final = str.maketrans({"ø": "o", "ł": "l", "ı": "i"})  # what has no parts to take the mark from


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user."""

    sys_id: str
    user_name: str
    first: str
    last: str
    email: str
    title: str
    department: str
    """Its name."""
    place: Place
    manager: str = ""
    """The sys_id of the user above; empty for the one at the top."""
    is_head: bool = False
    is_account: bool = False
    """Whether it is an account rather than somebody who calls the service desk."""
    is_active: bool = True
    extension: str = ""

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.first} {self.last}"


def department_id(seed: int, name: str) -> str:
    """The sys_id of a department."""
    return known.FINANCE_DEPARTMENT if name == FINANCE.name else sys_id(seed, "department", name)


def people(seed: int, own: Firm, places: Sequence[Place]) -> Sequence[Person]:
    """Everybody, who leads before who is led; the first one is at the top."""
    draw = Draw(seed, "people")
    names = _names(draw)
    everybody: list[Person] = []
    for department in DEPARTMENTS:
        everybody += _department(seed, draw, own, department, places, names, everybody[0].sys_id if everybody else "")
    # Whoever is first by sys_id has to be active, so nobody below a known user leaves.
    leading = {one.manager for one in everybody}
    may_leave = [one for one in everybody if one.sys_id > known.PROBLEM_ADMIN_USER and one.sys_id not in leading]
    leavers = {one.sys_id for one in draw.some(LEAVER_COUNT, may_leave)}
    led = [replace(one, is_active=one.sys_id not in leavers) for one in everybody]
    return [*led, *_accounts(draw, seed, places[0], led)]


def department_records(seed: int, own: Firm, everybody: Sequence[Person]) -> Iterable[Record]:
    """The departments. Each names its head, who comes later, since people name their departments in turn."""
    for number, department in enumerate(DEPARTMENTS, 1):
        members = [one for one in everybody if one.department == department.name]
        yield (
            "cmn_department",
            {
                "sys_id": department_id(seed, department.name),
                "name": department.name,
                "id": str(number * 100),
                "code": department.code,
                "description": department.purpose,
                "dept_head": next(one.sys_id for one in members if one.is_head),
                "head_count": str(sum(one.is_active and not one.is_account for one in members)),
                "company": own.sys_id,
            },
        )


def people_records(seed: int, own: Firm, everybody: Sequence[Person], midnight_s: int) -> Iterable[Record]:
    """The users."""
    draw = Draw(seed, "user records")
    mobile = {one.sys_id for one in draw.some(MOBILE_COUNT, [one for one in everybody if not one.is_account])}
    for number, one in enumerate(everybody, 1):
        joined_s = midnight_s - draw.whole(150, 3200) * DAY_S + draw.whole(7, 17) * HOUR_S
        record = {
            "sys_id": one.sys_id,
            "user_name": one.user_name,
            "name": one.name,
            "first_name": one.first,
            "last_name": one.last,
            "email": one.email,
            "title": one.title,
            "employee_number": f"E{number:05}",
            "department": department_id(seed, one.department),
            "company": own.sys_id,
            "location": one.place.sys_id,
            "city": one.place.city,
            "phone": f"{one.place.dial} {one.extension}",
            "time_zone": one.place.zone_name,
            "active": flag(one.is_active),
            "vip": flag(one.is_head),
            "locked_out": flag(not one.is_active),
            "notification": "2",
            "preferred_language": "en",
            "sys_created_on": instant(joined_s),
            "sys_created_by": known.ADMIN_USER_NAME,
            "sys_updated_on": instant(midnight_s - draw.whole(1, 149 * DAY_S)),
            "sys_updated_by": known.ADMIN_USER_NAME,
            "sys_mod_count": str(draw.whole(1, 30)),
        }
        if one.manager:
            record["manager"] = one.manager
        if one.sys_id in mobile:
            record["mobile_phone"] = f"{one.place.dial} 9{draw.digits(3)}"
        if one.is_active and draw.chance(0.8):
            record["last_login_time"] = instant(midnight_s - draw.whole(600, 20 * DAY_S))
            record["last_login"] = record["last_login_time"].partition(" ")[0]
        yield "sys_user", record


def _names(draw: Draw) -> Iterator[tuple[str, str]]:
    # no last name twice, so that no user_name comes twice
    first = draw.some(len(words.FIRST_NAMES), words.FIRST_NAMES)
    for number, last in enumerate(draw.some(len(words.LAST_NAMES), words.LAST_NAMES)):
        yield first[number % len(first)], last


def _department(
    seed: int,
    draw: Draw,
    own: Firm,
    department: Department,
    places: Sequence[Place],
    names: Iterator[tuple[str, str]],
    top: str,
) -> Iterable[Person]:
    def person(title: str, place: Place, manager: str, *, is_head: bool = False) -> Person:
        first, last = next(names)
        user_name = ascii_name(f"{first}.{last}")
        return Person(
            sys_id=sys_id(seed, "user", user_name),
            user_name=user_name,
            first=first,
            last=last,
            email=f"{user_name}@{own.domain}",
            title=title,
            department=department.name,
            place=place,
            manager=manager,
            is_head=is_head,
            extension=draw.digits(4),
        )

    head = person(department.head, places[0], top, is_head=True)
    if department is FINANCE:
        head = _known_head(head)
    yield head
    leaders = [head.sys_id]
    for number in range(department.people):
        place = places[0] if draw.chance(AT_SEAT) else draw.one(places)
        if department is IT and number < len(department.titles):
            title = department.titles[number]  # one of each at least
        else:
            title = draw.one(department.titles)
        one = person(title, place, draw.one(leaders))
        yield one
        if number < department.people // 6:
            leaders.append(one.sys_id)


def _known_head(head: Person) -> Person:
    email = known.FINANCE_HEAD_EMAIL
    return replace(
        head,
        sys_id=known.FINANCE_HEAD,
        user_name=email.partition("@")[0],
        first="Natasha",
        last="Ingram",
        email=email,
    )


def _accounts(draw: Draw, seed: int, seat: Place, led: Sequence[Person]) -> Iterable[Person]:
    """The users that clients know by their identifiers."""
    it_head = next(one.sys_id for one in led if one.is_head and one.department == IT.name)
    manager = known.PROBLEM_MANAGER_USER_NAME
    for user_name, identity, family, title, department, above in (
        (known.PROBLEM_ADMIN_USER_NAME, known.PROBLEM_ADMIN_USER, "Admin", "Problem Administrator", IT, it_head),
        (manager, sys_id(seed, "user", manager), "Manager", "Problem Manager", IT, it_head),
        (known.ADMIN_USER_NAME, known.ADMIN_USER, "", "System Administrator", FINANCE, known.FINANCE_HEAD),
    ):
        first, last = ("Problem", family) if family else known.ADMIN_NAME.split()
        yield Person(
            sys_id=identity,
            user_name=user_name,
            first=first,
            last=last,
            email=f"{user_name}@example.com",
            title=title,
            department=department.name,
            place=seat,
            manager=above,
            is_account=True,
            extension=draw.digits(4),
        )


def ascii_name(name: str) -> str:
    """The name without marks, in lower case, as it stands in addresses."""
    parts = unicodedata.normalize("NFKD", name.lower().translate(_ASCII))
    return "".join(letter for letter in parts if letter.isascii() and not letter.isspace())
