"""Which rows of the four tables fired, in how many situations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from protocol.tables import (
    DESTINATION_ACTS,
    DESTINATION_HEARS,
    SOURCE_ACTS,
    SOURCE_HEARS,
    Act,
    ActRow,
    State,
    StatementRow,
)
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEARS: Final[dict[Role, Sequence[StatementRow]]] = {Role.SOURCE: SOURCE_HEARS, Role.DESTINATION: DESTINATION_HEARS}
_ACTS: Final[dict[Role, Sequence[ActRow]]] = {Role.SOURCE: SOURCE_ACTS, Role.DESTINATION: DESTINATION_ACTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCoverage:
    """One table: its rows with the number of different situations in which each fired."""

    table: str
    rows: tuple[tuple[str, int], ...]

    @property
    def fired(self) -> int:
        """How many rows fired."""
        return sum(count > 0 for _, count in self.rows)

    @property
    def never(self) -> list[str]:
        """The rows that did not."""
        return [row for row, count in self.rows if count == 0]


class Coverage:
    """Counts the situations: a record and what was heard or done."""

    def __init__(self) -> None:
        self._heard: Counter[tuple[Role, str]] = Counter()
        self._acted: Counter[tuple[Role, Act, State]] = Counter()

    def heard(self, role: Role, row: str) -> None:
        """A row of a statement table fired in one more situation."""
        self._heard[role, row] += 1

    def acted(self, role: Role, act: Act, state: State) -> None:
        """An act was possible in one more situation."""
        self._acted[role, act, state] += 1

    def tables(self) -> list[TableCoverage]:
        """All four tables."""
        found = []
        for role in Role:
            heard = tuple((row.number, self._heard[role, row.number]) for row in _HEARS[role])
            acted = tuple(
                (f"{row.act} ({state})", self._acted[role, row.act, state])
                for row in _ACTS[role]
                for state in State
                if state in row.state
            )
            found += [
                TableCoverage(table=f"the {role} hears", rows=heard),
                TableCoverage(table=f"the {role} acts", rows=acted),
            ]
        return found
