"""Regression cases: worlds that once broke a property, each a small JSON file with its seed and all its faults.

A bare seed stops meaning anything when the code changes: other dice are thrown, other faults strike. So a case names
the faults of the whole world and those of the least one. Both are lived again; with code that holds they break
nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from simulations.levels import Level

if TYPE_CHECKING:
    from pathlib import Path

    from simulations.shrinking.shrink import Shrunk

CASES: Final = "tests/simulations/cases"
"""Where they are kept in the repository."""

NAME_CHARACTERS_MAX: Final = 60


class CaseError(Exception):
    """A file is no case; the text is a sentence."""


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A world that broke a property.

    Attributes:
        why: what was wrong with the code then, as a sentence.
        violation: what the whole world broke.
        struck: the faults of the whole world.
        faults: those of the least world.
        out_of_order: the choices of the least world's schedule that are the seed's; none: all.
    """

    seed: int
    level: Level = Level.DIRECT
    why: str
    violation: str
    struck: tuple[str, ...]
    faults: tuple[str, ...]
    out_of_order: tuple[int, ...] | None


def case_of(shrunk: Shrunk, *, why: str) -> Case:
    """What is kept of a failure."""
    return Case(
        seed=shrunk.seed,
        level=shrunk.level,
        why=why,
        violation=shrunk.first_violation,
        struck=shrunk.struck,
        faults=shrunk.faults,
        out_of_order=shrunk.out_of_order,
    )


def keep(case: Case, directory: Path) -> Path:
    """Write a case; the file, whose name tells seed and reason.

    Raises:
        OSError: it can't be written.
    """
    told = re.sub(r"[^a-z0-9]+", "-", case.why.lower()).strip("-")[:NAME_CHARACTERS_MAX].rstrip("-")
    path = directory / f"seed-{case.seed}-{told}.json"
    directory.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(case), indent=2) + b"\n")
    return path


def read(path: Path) -> Case:
    """A case that was kept.

    Raises:
        CaseError: the file holds none.
        OSError: it can't be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Case)
    except msgspec.MsgspecError as error:
        raise CaseError(f"{path} is no case: {error}.") from error
