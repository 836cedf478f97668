"""Where the company is: a dozen cities of cities.csv, the first of them its seat."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from node.instance.demo_data.drawing import Draw, sys_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.instance.demo_data.record import Record

LOCATION_COUNT: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A location of the company."""

    sys_id: str
    city: str
    country: str
    code: str
    """Three letters, for the names of what stands there."""
    zone_name: str
    zone: ZoneInfo
    dial: str
    """How its telephone numbers begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _City:
    name: str
    code: str
    country: str
    state: str
    zip: str
    street: str
    latitude: str
    longitude: str
    zone: str
    dial: str


_SEATS: Final = 8
"""As many of the list may be the seat. None of their zones is ever at UTC: there, times would look like the stored."""


@cache
def _cities() -> tuple[_City, ...]:
    text = files(__package__).joinpath("cities.csv").read_text(encoding="utf-8")
    return tuple(_City(**row) for row in csv.DictReader(text.splitlines()))


def locations(seed: int, company: str) -> tuple[Sequence[Place], Sequence[Record]]:
    """The places, the seat first, and their records."""
    draw = Draw(seed, "places")
    seat = draw.one(_cities()[:_SEATS])
    cities = [seat, *draw.some(LOCATION_COUNT - 1, [city for city in _cities() if city is not seat])]
    places, records = [], []
    for city in cities:
        place = Place(
            sys_id=sys_id(seed, "location", city.code),
            city=city.name,
            country=city.country,
            code=city.code,
            zone_name=city.zone,
            zone=ZoneInfo(city.zone),
            dial=city.dial,
        )
        places.append(place)
        record = {
            "sys_id": place.sys_id,
            "name": city.name,
            "full_name": f"{city.country}/{city.name}",
            "street": city.street,
            "city": city.name,
            "zip": city.zip,
            "country": city.country,
            "latitude": city.latitude,
            "longitude": city.longitude,
            "time_zone": city.zone,
            "phone": f"{city.dial} 0100",
            "company": company,
        }
        if city.state:
            record["state"] = city.state
        records.append(("cmn_location", record))
    return places, records
