"""What a seed's company is, before anything happens in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from node.instance.demo_data import words
from node.instance.demo_data.drawing import DAY_S, HOUR_S, MINUTE_S, Draw
from node.instance.demo_data.equipment import Equipment, equipment
from node.instance.demo_data.firms import Firm, firm
from node.instance.demo_data.people import Person, people
from node.instance.demo_data.places import Place, locations
from node.instance.demo_data.teams import Team, teams

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from node.instance.demo_data.equipment import Item
    from node.instance.demo_data.record import Record

_WORK_BEGINS: Final = 7
_WORK_ENDS: Final = 18
_SATURDAY: Final = 5
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_MINUTES: Final = ("00", "10", "15", "30", "40", "45")
_CODES: Final = ("0x8007", "ERR-4", "E-2", "SV-7", "0x0000", "APP-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A company on a day. All that happens in it happens before the midnight, UTC, at which that day begins."""

    seed: int
    midnight_s: int
    own: Firm
    places: Sequence[Place]
    place_records: Sequence[Record]
    everybody: Sequence[Person]
    by_id: Mapping[str, Person]
    callers: Sequence[Person]
    """Who calls the service desk."""
    teams: Mapping[str, Team]
    equipment: Equipment


def world(seed: int, now: datetime) -> World:
    """The company of the seed on that day.

    Raises:
        ValueError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("now has no time zone")
    midnight_s = int(now.timestamp()) // DAY_S * DAY_S
    own = firm(seed)
    places, place_records = locations(seed, own.sys_id)
    everybody = people(seed, own, places)
    groups = teams(seed, everybody)
    return World(
        seed=seed,
        midnight_s=midnight_s,
        own=own,
        places=places,
        place_records=place_records,
        everybody=everybody,
        by_id={one.sys_id: one for one in everybody},
        callers=[one for one in everybody if one.is_active and not one.is_account],
        teams=groups,
        equipment=equipment(seed, everybody, places, groups),
    )


def at_work(draw: Draw, at_s: float, place: Place) -> float:
    """That instant if people work there then; else some time of the last working day before it."""
    local = datetime.fromtimestamp(at_s, place.zone)
    is_early = local.hour < _WORK_BEGINS
    if not is_early and local.hour < _WORK_ENDS and local.weekday() < _SATURDAY:
        return at_s
    weekday = (local.weekday() - is_early) % 7
    days_back = is_early + max(0, weekday - _SATURDAY + 1)
    into_day_s = (local.hour * 60 + local.minute) * MINUTE_S
    return at_s - days_back * DAY_S - into_day_s + draw.between(_WORK_BEGINS, _WORK_ENDS) * HOUR_S


class Slots(dict[str, str]):
    """What the slots of templates stand for in one story; drawn when first asked for, and the same from then on."""

    def __init__(self, world: World, draw: Draw, caller: Person, item: Item | None, team: Team) -> None:
        """Begin a story of that caller, item and team."""
        place = caller.place
        super().__init__(
            first=caller.first,
            department=caller.department,
            site=place.city,
            extension=caller.extension,
            group=team.name,
            agent=team.manager.first,
        )
        if item is not None:
            self["item"], self["vendor"] = item.name, item.vendor
            if item.kind in _NAMED:
                self[_NAMED[item.kind]] = item.name
        self._world, self._draw, self._caller = world, draw, caller

    def __missing__(self, slot: str) -> str:
        """Draw it; KeyError if there is no such slot."""
        self[slot] = value = _DRAWN[slot](self._world, self._draw, self._caller)
        return value


_NAMED: Final = {"application": "app", "server": "server", "gateway": "gateway", "printer": "printer"}

_DRAWN: Final[Mapping[str, Callable[[World, Draw, Person], str]]] = {
    "app": lambda world, draw, _: draw.one(world.equipment.by_kind["application"]).name,
    "server": lambda world, draw, _: draw.one(world.equipment.by_kind["server"]).name,
    "gateway": lambda world, draw, _: draw.one(world.equipment.by_kind["gateway"]).name,
    "printer": lambda world, draw, caller: draw.one(world.equipment.printers[caller.place.code]).name,
    "laptop": lambda world, _, caller: world.equipment.laptops[caller.sys_id].name,
    "item": lambda world, _, caller: world.equipment.laptops[caller.sys_id].name,
    "vendor": lambda _, draw, __: draw.one(words.VENDORS)[0],
    "colleague": lambda world, draw, caller: draw.one([one for one in world.callers if one is not caller]).name,
    "manager": lambda world, _, caller: world.by_id[caller.manager or world.everybody[1].sys_id].name,
    "floor": lambda _, draw, __: str(draw.whole(1, 6)),
    "room": lambda _, draw, __: f"{draw.whole(1, 6)}.{draw.whole(1, 24):02}",
    "desk": lambda _, draw, __: f"{draw.whole(1, 6)}-{draw.whole(10, 99)}",
    "hour": lambda _, draw, __: f"{draw.whole(8, 17)}:{draw.one(_MINUTES)}",
    "day": lambda _, draw, __: draw.one(_WEEKDAYS),
    "days": lambda _, draw, __: str(draw.whole(2, 40)),
    "count": lambda _, draw, __: str(draw.whole(3, 60)),
    "percent": lambda _, draw, __: str(draw.whole(81, 99)),
    "seconds": lambda _, draw, __: str(draw.whole(12, 90)),
    "number": lambda _, draw, __: draw.digits(6),
    "code": lambda _, draw, __: draw.one(_CODES) + draw.digits(4),
    "version": lambda _, draw, __: f"{draw.whole(2, 9)}.{draw.whole(0, 14)}.{draw.whole(0, 60)}",
}
