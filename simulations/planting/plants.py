"""The planted faults: mistakes that the author of a handshake makes, each a patch of the shipped source.

They stand in `patches/`: a name, then for each file `--- path` and hunks, each `@@` and lines that begin with a blank
(they stay), `-` (they go) or `+` (they come). A hunk has no line numbers. The lines that stay and go must stand in the
file together, exactly once; so code that has moved on makes a plant an error, never a change of nothing.

What finds a plant knows none of them: the checks (`simulations.checks`) are the shipped ones, and so are the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATCHES: Final = Path(__file__).resolve().parent / "patches"


class PlantError(Exception):
    """A plant can't be read, or does not fit the code any more; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """One change: in which file, which text, and what stands there instead."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted fault: its name, the file that it stands in, and all that it changes."""

    name: str
    patch: Path
    hunks: tuple[Hunk, ...]


def plants() -> list[Plant]:
    """All of them, by name.

    Raises:
        PlantError: a patch can't be read.
    """
    return sorted((_read(patch) for patch in PATCHES.glob("*.patch")), key=lambda plant: plant.name)


def planted(source: str, hunk: Hunk) -> str:
    """A file's text with a hunk done.

    Raises:
        PlantError: what it replaces does not stand there exactly once.
    """
    found = f"\n{source}".count(f"\n{hunk.old}")
    if found != 1:
        raise PlantError(
            f"A planted fault does not fit {hunk.path}: what it replaces stands there {found} times, not once. "
            f"It begins with {hunk.old.strip().splitlines()[0]!r}: bring the patch up to date with the code."
        )
    return f"\n{source}".replace(f"\n{hunk.old}", f"\n{hunk.new}").removeprefix("\n")


def _read(patch: Path) -> Plant:
    name, *lines = patch.read_text(encoding="utf-8").splitlines()
    path: str | None = None
    hunks, old, new = list[Hunk](), list[str](), list[str]()

    def end() -> None:
        if path is not None and old != new:
            hunks.append(Hunk(path, "".join(old), "".join(new)))
        old.clear()
        new.clear()

    for number, line in enumerate(lines, start=2):
        match line[:1]:
            case "@":
                end()
            case "-" if line.startswith("--- "):
                end()
                path = line.removeprefix("--- ")
            case "-":
                old.append(f"{line[1:]}\n")
            case "+":
                new.append(f"{line[1:]}\n")
            case " " | "":
                old.append(f"{line[1:]}\n")
                new.append(f"{line[1:]}\n")
            case _:
                raise PlantError(f"{patch.name}, line {number}: a line begins with '--- ', '@@', a blank, '-' or '+'.")
    end()
    if not hunks or not all(hunk.old for hunk in hunks):
        raise PlantError(f"{patch.name} changes nothing, or does not say where.")
    return Plant(name, patch, tuple(hunks))
