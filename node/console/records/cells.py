"""One value of a record as a page shows it: its words, where it leads, and what is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.console.records.places import record_place
from node.instance.dictionary import FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from node.instance.dictionary import Field
    from node.instance.records.representing import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value.

    Attributes:
        text: as the viewer reads it.
        value: as it is on the wire.
        link: the record that it refers to.
        at: the instant that it is, for machines.
        title: the same in UTC.
        is_long: whether it needs the width of the page.
    """

    text: str
    value: str
    link: str | None = None
    at: str | None = None
    title: str | None = None

    @property
    def is_long(self) -> bool:
        """Whether it needs the width of a page."""
        return len(self.text) > LINE_CHARACTERS or "\n" in self.text


LINE_CHARACTERS = 90


def cell(field: Field, shown: Shown | None) -> Cell:
    """A value that was read with both its value and its display value; none: an empty one."""
    both: Mapping[str, str] = shown if isinstance(shown, dict) else {}
    text, value = both.get("display_value", ""), both.get("value", "")
    if field.type is FieldType.REFERENCE and field.reference is not None and value:
        # a record that is not there, or not for this viewer, has no name
        return Cell(text=text or value, value=value, link=record_place(field.reference, value) if text else None)
    if field.type is FieldType.DATE_TIME and value:
        return Cell(text=text, value=value, at=f"{value.replace(' ', 'T')}Z", title=f"{value} UTC")
    return Cell(text=text, value=value)


def zone_name(zone: tzinfo) -> str:
    """What the time zone is called in which instants are shown."""
    return str(getattr(zone, "key", zone))


def value_of(record: Mapping[str, Shown], name: str) -> str:
    """The wire value of a field that was read with both."""
    shown = record.get(name)
    return shown["value"] if isinstance(shown, dict) else ""


def text_of(record: Mapping[str, Shown], name: str) -> str:
    """Its display value."""
    shown = record.get(name)
    return shown["display_value"] if isinstance(shown, dict) else ""
