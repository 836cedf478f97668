"""Rows of named cells: a table where it fits, and where a terminal is too narrow for that, each row by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

TABLE_COLUMNS: Final = 80
"""From here on a table is a table, and a cell that is too long is folded."""

GAP: Final = 2


def is_narrow(titles: Sequence[str], rows: Sequence[Sequence[Text]], *, columns: int) -> bool:
    """Whether the rows stand each by itself: a table would be folded where there is no room to read it."""
    widths = [max([len(title), *(row[place].cell_len for row in rows)]) for place, title in enumerate(titles)]
    return columns < TABLE_COLUMNS and sum(widths) + GAP * (len(titles) - 1) > columns


def laid_out(titles: Sequence[str], rows: Sequence[Sequence[Text]], *, columns: int) -> RenderableType:
    """The rows for a terminal of so many columns."""
    if is_narrow(titles, rows, columns=columns):
        blocks: list[RenderableType] = []
        for row in rows:
            blocks += [*([Text()] if blocks else []), _by_itself(titles, row)]
        return Group(*blocks)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _by_itself(titles: Sequence[str], row: Sequence[Text]) -> Table:
    """One row, its cells below each other; what is empty is left out."""
    block = Table(box=None, pad_edge=False, show_header=False)
    block.add_column(style="bold", no_wrap=True)
    block.add_column(overflow="fold")
    for title, cell in zip(titles, row, strict=True):
        if cell.plain:
            block.add_row(title, cell)
    return block
