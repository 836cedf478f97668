"""One change of one record, as the rules see it while it happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from node.instance.database import Transaction
    from node.instance.query.scope import Scope
    from node.instance.values import Stored


@dataclass(slots=True, kw_only=True)
class Change:
    """A record that is made, changed or removed.

    Attributes:
        table: the record's class.
        old: what is stored of it; empty for a new one.
        new: what will be stored; rules change it. Empty when it is removed.
        journals: entries to be written, by field.
        given: the fields that the client gave a value.
        at: the instant of the change, as it is stored.
        new_id: gives another sys_id.
        update: gives fields of another record wire values, as the instance itself does it: `(table, sys_id, values)`.
        depth: how many changes lead to this one; 0: a client asked for it.
    """

    tx: Transaction
    scope: Scope
    table: str
    sys_id: str
    old: Mapping[str, Stored]
    new: dict[str, Stored]
    journals: dict[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    at: str
    new_id: Callable[[], str]
    update: Callable[[str, str, Mapping[str, str]], object]
    depth: int = 0

    @property
    def is_new(self) -> bool:
        """Whether the record is being made."""
        return not self.old

    @property
    def is_removal(self) -> bool:
        """Whether the record is being removed."""
        return not self.new

    def has_changed(self, name: str) -> bool:
        """Whether a field gets another value than it has."""
        return self.old.get(name) != self.new.get(name)

    def is_of(self, table: str) -> bool:
        """Whether the record is one of that table, by class or by what its class extends."""
        return table in self.tx.catalog.dictionary.ancestry(self.table)
