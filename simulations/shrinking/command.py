"""`handclasp shrink`: it reaches the command line by the entry points of this distribution."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from node.cli.failures import CommandError
from node.cli.options import JsonOption
from node.cli.output import Output
from simulations.commands import SEED_MAX, LevelOption
from simulations.levels import Level

EXIT_VIOLATION: Final = 1


def shrink(
    *,
    seed: Annotated[
        int, typer.Argument(min=0, max=SEED_MAX, help="A seed that breaks a property.", show_default=False)
    ],
    level: LevelOption = Level.DIRECT,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIRECTORY", help="Keep it there as a regression case, with its full fault list."),
    ] = None,
    why: Annotated[
        str | None, typer.Option(metavar="SENTENCE", help="With --keep: what was wrong.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Find the least that makes a seed fail.

    A world of a seed has many faults, and most of them have nothing to do with its failure. They are left out until
    each that is left is needed for the same check to fail; then the order of callbacks is made as simple as it can
    be. The line at the end shows that world.

    \b
    Examples:
      handclasp shrink 4711
      handclasp shrink 4711 --keep tests/simulations/cases --why "a late refusal of an old code closed a new one"

    Exit code 0: the seed breaks no property, there is nothing to shrink; 1: it does, and the least is shown.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    from simulations.shrinking import cases, reports  # noqa: PLC0415 - --help needs none of it
    from simulations.shrinking.shrink import shrink as shrunk_of  # noqa: PLC0415 - likewise
    from simulations.status_line import StatusLine  # noqa: PLC0415 - likewise

    out = Output(as_json=as_json)
    progress = StatusLine(is_shown=sys.stderr.isatty() and not as_json)
    shrunk = shrunk_of(
        seed,
        level=level,
        tried=lambda worlds, faults: progress.show(f"{worlds} worlds lived, {faults} faults in the last"),
    )
    progress.wipe()
    if shrunk is None:
        out.document({"seed": seed, "violation": None})
        out.line(f"Seed {seed} breaks no property: there is nothing to shrink.")
        return 0
    out.document(reports.shrunk_document(shrunk))
    for line in reports.shrunk_lines(shrunk):
        out.line(line, whole=True)
    if keep is not None:
        try:
            kept = cases.keep(cases.case_of(shrunk, why=why or shrunk.violation), keep)
        except OSError as error:
            raise CommandError(
                f"The case can't be kept in {keep}: {error.strerror}.", "Name a directory that can be written."
            ) from error
        out.line(f"Kept: {kept}")
    return EXIT_VIOLATION
