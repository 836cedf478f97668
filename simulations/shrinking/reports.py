"""What `handclasp shrink` prints."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from node.cli.program import program
from simulations.faults import MEANINGS, Fault
from simulations.levels import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulations.shrinking.shrink import Shrunk


def replay_line(shrunk: Shrunk) -> str:
    """The command that shows exactly that world."""
    words = [program(), "replay", str(shrunk.seed)]
    if shrunk.level is not Level.DIRECT:
        words += ["--level", shrunk.level]
    for name in shrunk.faults or ("none",):
        words += ["--only", shlex.quote(name)]
    if shrunk.out_of_order is not None:
        words += ["--out-of-order", ",".join(map(str, shrunk.out_of_order)) or "none"]
    return " ".join(words)


def shrunk_lines(shrunk: Shrunk) -> Iterator[str]:
    """A failure and the least of it, for people."""
    yield f"seed {shrunk.seed}: {shrunk.violation}"
    if shrunk.faults:
        enough = "is enough" if len(shrunk.faults) == 1 else "are enough"
        yield f"Of {_counted(len(shrunk.struck), 'fault')} that struck, {len(shrunk.faults)} {enough}:"
    else:
        yield f"It needs no fault; {len(shrunk.struck)} struck."
    for name in shrunk.faults:
        yield f"  {name}   {MEANINGS[Fault(name.partition(':')[0])]}"
    match shrunk.out_of_order:
        case None:
            yield "The order of callbacks is the seed's: it breaks that property in no simpler one that was tried."
        case ():
            yield "The order of callbacks does not matter: what waits longest runs first."
        case choices:
            yield f"{_counted(len(choices), 'callback')} must run before one that waits longer."
    yield f"{_counted(shrunk.worlds, 'world')} lived to find this."
    yield f"See it: {replay_line(shrunk)}"


def shrunk_document(shrunk: Shrunk) -> dict[str, Any]:
    """The same for programs."""
    return {
        "seed": shrunk.seed,
        "level": shrunk.level.value,
        "violation": shrunk.violation,
        "first_violation": shrunk.first_violation,
        "struck": list(shrunk.struck),
        "faults": list(shrunk.faults),
        "out_of_order": None if shrunk.out_of_order is None else list(shrunk.out_of_order),
        "worlds": shrunk.worlds,
        "replay": replay_line(shrunk),
    }


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number:,} {thing}s"
