"""Which columns a list may show, for the form in which they are chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.instance.dictionary import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.instance.dictionary import Dictionary


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoices:
    """The fields of a table as name, label and whether it is shown; and the paths beside them that are shown."""

    fields: Sequence[tuple[str, str, bool]]
    more: str


def column_choices(dictionary: Dictionary, table: str, shown: Sequence[str]) -> ColumnChoices:
    """What may be chosen; those that are shown come first, in their order."""
    fields = {
        name: field.label
        for name, field in dictionary.fields(table).items()
        if field.kind not in {Kind.JOURNAL, Kind.SECRET}
    }
    others = sorted((name for name in fields if name not in shown), key=lambda name: fields[name].casefold())
    return ColumnChoices(
        fields=[(name, fields[name], name in shown) for name in (*shown, *others) if name in fields],
        more=", ".join(path for path in shown if path not in fields),
    )
