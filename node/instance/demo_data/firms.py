"""The company itself, and those that sell to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.instance.demo_data import words
from node.instance.demo_data.drawing import Draw, flag, sys_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from node.instance.demo_data.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """The company itself."""

    sys_id: str
    name: str
    domain: str


def firm(seed: int) -> Firm:
    """The company of this seed."""
    draw = Draw(seed, "firm")
    first = draw.one(words.COMPANY_FIRST)
    return Firm(
        sys_id=sys_id(seed, "firm"),
        name=f"{first} {draw.one(words.COMPANY_SECOND)}",
        domain=f"{first.lower()}.example",
    )


def vendor_id(seed: int, name: str) -> str:
    """The sys_id of a vendor."""
    return sys_id(seed, "vendor", name)


def firm_records(seed: int, own: Firm) -> Iterable[Record]:
    """The companies, the own one first."""
    draw = Draw(seed, "vendors")
    yield (
        "core_company",
        {
            "sys_id": own.sys_id,
            "name": own.name,
            "primary": "true",
            "website": f"https://www.{own.domain}",
            "phone": f"+1 {draw.digits(3)} 555 0100",
        },
    )
    for name, trade in words.VENDORS:
        yield (
            "core_company",
            {
                "sys_id": vendor_id(seed, name),
                "name": name,
                "vendor": "true",
                "manufacturer": flag(trade != "software"),
                "website": f"https://{name.partition(' ')[0].lower()}.example",
                "notes": f"Support contract {draw.digits(6)}, {draw.one(('office hours', 'round the clock'))}.",
            },
        )
