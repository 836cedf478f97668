"""Whether there is room on a disk, asked before minutes of work."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from node.backups.marking import BackupError

if TYPE_CHECKING:
    from pathlib import Path

_UNITS: Final = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def refuse_without_space(folder: Path, needed_bytes: int, *, doing: str) -> None:
    """Refuse what can't end well; that there is enough now does not mean that it lasts.

    Raises:
        BackupError: there are not that many bytes free where the folder is.
        OSError: that can't be asked.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise BackupError(
            f"{folder} has {bytes_shown(free_bytes)} free, and {bytes_shown(needed_bytes)} are needed {doing}. "
            "Make room there."
        )


def bytes_shown(count: int) -> str:
    """A number of bytes as people read it, in decimal units."""
    for unit, size in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
