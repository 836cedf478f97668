"""How this program was called, so that what it prints can be pasted."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

PROGRAM = "handclasp"


def program() -> str:
    """`handclasp`, or the path by which it was called where the shell would not find it by name."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{_shown(Path(sys.executable))} -m node"
    return PROGRAM if called.name != PROGRAM or shutil.which(PROGRAM) else _shown(called)


def _shown(path: Path) -> str:
    """Relative where that is shorter; a symbolic link stays one (a virtual environment's python is)."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path.absolute())
