"""`handclasp explore`: it reaches the command line by the entry points of this distribution."""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from node.cli.failures import CommandError
from node.cli.options import JsonOption
from node.cli.output import Output

if TYPE_CHECKING:
    from simulations.status_line import StatusLine

CODES_DEFAULT: Final = 2
ACTS_DEFAULT: Final = 5
STATES_MAX_DEFAULT: Final = 5_000_000
EXIT_BROKEN: Final = 1
TOLD_EVERY_S: Final = 0.5


def explore(
    *,
    codes: Annotated[int, typer.Option(min=1, max=3, help="How many codes the source can make.")] = CODES_DEFAULT,
    acts: Annotated[
        int, typer.Option(min=1, max=9, help="How often admins, timers and the clock act, all together.")
    ] = ACTS_DEFAULT,
    restores: Annotated[int, typer.Option(min=0, max=1, help="How many backups are put back, unnoticed.")] = 0,
    liar: Annotated[
        bool, typer.Option("--liar", help="Destination B is no node; it says whatever it likes, with or without proof.")
    ] = False,
    states: Annotated[
        int, typer.Option(min=1, metavar="N", help="Stop when so many worlds have been met.")
    ] = STATES_MAX_DEFAULT,
    spin: Annotated[
        bool, typer.Option("--spin", help="Let spin count the same worlds from a model of its own, and compare.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Search all worlds that the tables allow.

    A world is a source and two destinations, with all that was said between them; whatever was said may be lost,
    late, repeated or out of order. The tables are the shipped ones, and every world within the bounds is met. In each
    consent, single use, keys and closing are judged; and from each the nodes must come to agreement by themselves
    once faults stop. What is broken is told as a shortest story.

    \b
    Examples:
      handclasp explore
      handclasp explore --codes 1 --acts 4 --restores 1
      handclasp explore --acts 4 --liar
      handclasp explore --acts 4 --spin

    Exit code 0: no property was broken; 1: one was, or spin counts other worlds.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    from simulations.exploring.reports import agree, document, lines_of  # noqa: PLC0415 - --help needs none of it
    from simulations.exploring.rules import Bounds  # noqa: PLC0415 - likewise
    from simulations.exploring.search import Search  # noqa: PLC0415 - likewise
    from simulations.exploring.spin import SpinError, count  # noqa: PLC0415 - likewise
    from simulations.status_line import StatusLine  # noqa: PLC0415 - likewise

    bounds = Bounds(codes=codes, acts=acts, restores=restores, liars=int(liar))
    out = Output(as_json=as_json)
    progress = _Progress(StatusLine(is_shown=sys.stderr.isatty() and not as_json))
    findings = Search(bounds, states_max=states, progressed=progress.tell).run()
    progress.end()
    try:
        counted = count(bounds) if spin and findings.complete else None
    except SpinError as error:
        raise CommandError(str(error)) from error
    out.document(document(findings, bounds, counted))
    for line in lines_of(findings, bounds, counted):
        out.line(line)
    is_same = counted is None or agree(findings, counted)
    return 0 if findings.violation is None and is_same else EXIT_BROKEN


class _Progress:
    """How far the search is, now and then."""

    def __init__(self, line: "StatusLine") -> None:
        self._line = line
        self._started = self._told = time.monotonic()

    def tell(self, states: int, depth: int) -> None:
        """Show how far the search is."""
        now = time.monotonic()
        if now - self._told >= TOLD_EVERY_S:
            self._told = now
            rate = states / (now - self._started)
            self._line.show(f"{states:,} states, depth {depth}, {rate:,.0f} states/s ")

    def end(self) -> None:
        """Leave no trace of it."""
        self._line.wipe()
