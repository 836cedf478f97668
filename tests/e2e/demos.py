"""`handclasp demo` as a process, with proof that nothing of it is left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
RUN_S_MAX = 120
CODE = re.compile(r"handclasp_[a-z2-7]{9,}", re.IGNORECASE)


@dataclass
class Demo:
    """A demo that runs, with a directory for temporary files of its own."""

    folder: Path
    arguments: tuple[str, ...]
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "node", "demo", *self.arguments],
            env=inherited | {"TMPDIR": str(self.folder), "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=RUN_S_MAX)
        return self.process.returncode, out, err


@contextmanager
def demos(folder: Path) -> Iterator[Callable[..., Demo]]:
    """Start demos; afterwards no process and no file of them is left, or the test fails."""
    started = []

    def begin(*arguments: str) -> Demo:
        started.append(Demo(folder, arguments))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.communicate()
            pytest.fail("the demo still ran")
    left = [one for one in psutil.process_iter(["cmdline", "environ"]) if _belongs_to(one, folder)]
    assert left == []
    assert list(folder.iterdir()) == []


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    arguments, environment = process.info["cmdline"] or [], process.info["environ"] or {}
    return str(folder) in " ".join(arguments) or environment.get("TMPDIR") == str(folder)
