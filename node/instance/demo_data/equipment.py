"""What the company works with: laptops, servers, printers, network, applications, services; and the assets behind."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.instance.demo_data import words
from node.instance.demo_data.drawing import DAY_S, Draw, day, instant, sys_id
from node.instance.demo_data.firms import vendor_id
from node.instance.demo_data.people import department_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from node.instance.demo_data.firms import Firm
    from node.instance.demo_data.people import Person
    from node.instance.demo_data.places import Place
    from node.instance.demo_data.record import Record
    from node.instance.demo_data.teams import Team

SERVER_COUNT: Final = 22
GATEWAY_COUNT: Final = 3
_SERVER_WORK: Final = ("app", "db", "file", "web", "mail", "print", "dns", "bkp")
_DOMAIN_PARTS: Final = ("core", "int", "corp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A configuration item."""

    sys_id: str
    name: str
    kind: str
    """laptop, server, printer, application, access-point, gateway or service."""
    place: Place
    vendor: str
    """Its name."""
    team: Team
    user: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """All items, as incidents look for them."""

    items: Sequence[Item]
    by_kind: Mapping[str, Sequence[Item]]
    laptops: Mapping[str, Item]
    """By the sys_id of who uses it."""
    printers: Mapping[str, Sequence[Item]]
    """By the code of the place."""


_CLASSES: Final = {
    "laptop": "cmdb_ci_computer",
    "server": "cmdb_ci_server",
    "printer": "cmdb_ci_printer",
    "application": "cmdb_ci_appl",
    "access-point": "cmdb_ci",
    "gateway": "cmdb_ci",
    "service": "cmdb_ci_service",
}
_CATEGORIES: Final = {
    "laptop": ("Hardware", "Computer"),
    "server": ("Hardware", "Server"),
    "printer": ("Hardware", "Printer"),
    "application": ("Software", "Application"),
    "access-point": ("Network", "Access point"),
    "gateway": ("Network", "Gateway"),
    "service": ("Service", "Business service"),
}


def equipment(seed: int, everybody: Sequence[Person], places: Sequence[Place], teams: Mapping[str, Team]) -> Equipment:
    """What there is."""
    items = list(_items(seed, everybody, places, teams))
    by_kind: dict[str, list[Item]] = defaultdict(list)
    printers: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_kind[item.kind].append(item)
        if item.kind == "printer":
            printers[item.place.code].append(item)
    laptops = {item.user.sys_id: item for item in by_kind["laptop"] if item.user is not None}
    return Equipment(items=items, by_kind=by_kind, laptops=laptops, printers=printers)


def item_records(seed: int, own: Firm, found: Equipment, midnight_s: int) -> Iterable[Record]:
    """The configuration items."""
    draw = Draw(seed, "items")
    domain = f"{draw.one(_DOMAIN_PARTS)}.{own.domain}"
    for number, item in enumerate(found.items, 1):
        installed_s = midnight_s - draw.whole(130, 1600) * DAY_S + draw.whole(8 * 3600, 17 * 3600)
        category, subcategory = _CATEGORIES[item.kind]
        record = {
            "sys_id": item.sys_id,
            "sys_class_name": _CLASSES[item.kind],
            "name": item.name,
            "category": category,
            "subcategory": subcategory,
            "company": own.sys_id,
            "location": item.place.sys_id,
            "support_group": item.team.sys_id,
            "managed_by": item.team.manager.sys_id,
            "manufacturer": vendor_id(seed, item.vendor),
            "vendor": vendor_id(seed, item.vendor),
            "install_status": "1",
            "operational_status": "1",
            "install_date": instant(installed_s),
            "first_discovered": instant(installed_s + draw.whole(600, 90_000)),
            "last_discovered": instant(midnight_s - draw.whole(60, DAY_S)),
        }
        record |= _particulars(draw, seed, item, domain, number)
        yield _CLASSES[item.kind], record


def asset_records(seed: int, own: Firm, found: Equipment, midnight_s: int) -> Iterable[Record]:
    """The assets: what can be touched, and some spare screens that are no configuration item."""
    draw = Draw(seed, "assets")
    for number, item in enumerate((item for item in found.items if _is_hardware(item)), 1):
        record = _asset(draw, own, midnight_s, f"P{1000 + number}", draw.one(words.MODELS[_trade(item)]))
        record |= {
            "sys_id": sys_id(seed, "asset", item.name),
            "ci": item.sys_id,
            "location": item.place.sys_id,
            "vendor": vendor_id(seed, item.vendor),
            "install_status": "1",
        }
        if item.user is not None:
            department = department_id(seed, item.user.department)
            record |= {"assigned_to": item.user.sys_id, "department": department}
        yield "alm_hardware", record
    place = found.items[0].place
    for number in range(12):
        record = _asset(draw, own, midnight_s, f"P{5000 + number}", draw.one(words.MODELS["screen"]))
        identity = {"sys_id": sys_id(seed, "spare", number), "install_status": "6", "substatus": "available"}
        yield "alm_asset", record | identity | {"location": place.sys_id}


def _items(
    seed: int, everybody: Sequence[Person], places: Sequence[Place], teams: Mapping[str, Team]
) -> Iterable[Item]:
    draw = Draw(seed, "equipment")

    def item(kind: str, name: str, place: Place, trade: str, team: str, user: Person | None = None) -> Item:
        vendor = draw.one([vendor for vendor, theirs in words.VENDORS if theirs == trade])
        identity = sys_id(seed, "item", kind, name)
        return Item(sys_id=identity, name=name, kind=kind, place=place, vendor=vendor, team=teams[team], user=user)

    for name in words.SERVICES:
        yield item("service", name, places[0], "software", "Service Desk")
    for _, names in words.APPLICATIONS:
        yield item("application", draw.one(names), places[0], "software", "Business Applications")
    for number in range(SERVER_COUNT):
        place = places[0] if draw.chance(0.6) else draw.one(places)
        work = _SERVER_WORK[number % len(_SERVER_WORK)]
        yield item("server", f"{place.code.lower()}-{work}-{number + 1:02}", place, "server", "Server Operations")
    for number in range(GATEWAY_COUNT):
        place = places[number]
        yield item("gateway", f"{place.code.lower()}-vpn-{number + 1}", place, "network", "Network")
    for place in places:
        for number in range(draw.whole(1, 2)):
            yield item("printer", f"{place.code}-PRN-{number + 1:02}", place, "printer", "Workplace Support")
        for number in range(draw.whole(1, 3)):
            yield item("access-point", f"{place.code}-AP-{number + 1:02}", place, "network", "Network")
    for number, one in enumerate((one for one in everybody if not one.is_account and one.is_active), 1):
        yield item("laptop", f"{one.place.code}-NB-{number:04}", one.place, "laptop", "Workplace Support", one)


def _particulars(draw: Draw, seed: int, item: Item, domain: str, number: int) -> dict[str, str]:
    if item.kind == "service":
        return {"short_description": f"{item.name} for everybody in the company"}
    if item.kind == "application":
        purpose = next(purpose for purpose, names in words.APPLICATIONS if item.name in names)
        version = f"{draw.whole(2, 9)}.{draw.whole(0, 12)}.{draw.whole(0, 40)}"
        return {"short_description": purpose, "version": version, "environment": "Production"}
    third, last = divmod(number, 250)
    found = {
        "serial_number": f"{item.kind[:2].upper()}{draw.digits(7)}",
        "asset_tag": f"P{1000 + number}",
        "model_number": draw.one(words.MODELS[_trade(item)]),
        "ip_address": f"10.{20 + third}.{draw.whole(0, 9)}.{last + 2}",
        "mac_address": ":".join(("02", *(f"{draw.whole(0, 255):02x}" for _ in range(5)))),
        "fqdn": f"{item.name.lower()}.{domain}",
    }
    if item.user is not None:
        department = department_id(seed, item.user.department)
        found |= {"assigned_to": item.user.sys_id, "department": department}
    if item.kind == "laptop":
        found |= {"os": "Windows 11", "os_version": draw.one(("23H2", "24H2")), "cpu_count": "1"}
        found |= {"ram": draw.one(("8192", "16384", "32768")), "disk_space": draw.one(("256", "512", "1024"))}
    if item.kind == "server":
        found |= {"os": draw.one(("Linux Debian", "Windows Server")), "cpu_count": draw.one(("2", "4", "8"))}
        found |= {"ram": draw.one(("32768", "65536", "262144")), "disk_space": draw.one(("1000", "4000", "16000"))}
        found |= {"environment": "Production", "monitor": "true"}
    return found


def _asset(draw: Draw, own: Firm, midnight_s: int, tag: str, model: str) -> dict[str, str]:
    bought_s = midnight_s - draw.whole(140, 1700) * DAY_S
    return {
        "asset_tag": tag,
        "display_name": f"{tag} - {model}",
        "model": model,
        "serial_number": f"SN{draw.digits(8)}",
        "company": own.sys_id,
        "cost": f"{draw.whole(120, 4800)}.{draw.one(('00', '50', '99'))}",
        "purchase_date": day(bought_s),
        "warranty_expiration": day(bought_s + draw.one((730, 1095, 1460)) * DAY_S),
        "quantity": "1",
    }


def _is_hardware(item: Item) -> bool:
    return item.kind not in {"application", "service"}


def _trade(item: Item) -> str:
    return "network" if item.kind in {"access-point", "gateway"} else item.kind
