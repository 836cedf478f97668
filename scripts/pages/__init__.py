"""Pages of docs/ that are made from tables of the code, whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.pages import commands, problems, settings

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs"

PAGES: Final[dict[str, Callable[[], str]]] = {
    "commands.md": commands.page,
    "problems.md": problems.page,
    "settings.md": settings.page,
}
"""Each page by its name, and what makes it."""
