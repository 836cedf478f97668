"""Short ways to write down a field: the tables of this folder are data to be read by people."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from node.instance.dictionary import LIST_CHARACTERS, Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping


def text(name: str, label: str, length_max: int = 40, **more: Any) -> Field:
    """A string."""
    return Field(name=name, label=label, length_max=length_max, **more)


def typed(name: str, label: str, type_: FieldType, **more: Any) -> Field:
    """A field of a type without a short way of its own."""
    return Field(name=name, label=label, type=type_, **more)


def number(name: str, label: str, **more: Any) -> Field:
    """An integer."""
    return Field(name=name, label=label, type=FieldType.INTEGER, **more)


def flag(name: str, label: str, default: str = "false", **more: Any) -> Field:
    """True or false."""
    return Field(name=name, label=label, type=FieldType.BOOLEAN, default=default, **more)


def instant(name: str, label: str, **more: Any) -> Field:
    """A date with a time."""
    return Field(name=name, label=label, type=FieldType.DATE_TIME, **more)


def duration(name: str, label: str, **more: Any) -> Field:
    """A span of time."""
    return Field(name=name, label=label, type=FieldType.DURATION, **more)


def reference(name: str, label: str, table: str, **more: Any) -> Field:
    """A record of another table."""
    return Field(name=name, label=label, type=FieldType.REFERENCE, reference=table, length_max=32, **more)


def references(name: str, label: str, table: str | None = None) -> Field:
    """Several records of another table."""
    return Field(name=name, label=label, type=FieldType.LIST, reference=table, length_max=LIST_CHARACTERS)


def choice(name: str, label: str, choices: Mapping[str, str], default: str = "", **more: Any) -> Field:
    """One of several numbers, each with a label."""
    return Field(
        name=name,
        label=label,
        type=FieldType.INTEGER,
        choices=MappingProxyType(dict(choices)),
        default=default,
        **more,
    )


def word(name: str, label: str, choices: Mapping[str, str], default: str = "", **more: Any) -> Field:
    """One of several words, each with a label."""
    return Field(name=name, label=label, choices=MappingProxyType(dict(choices)), default=default, **more)


def journal(name: str, label: str) -> Field:
    """What people write one below the other."""
    return Field(name=name, label=label, type=FieldType.JOURNAL_INPUT, length_max=4000)
