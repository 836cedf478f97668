"""`handclasp simulate` and `handclasp replay`: they reach the command line by the entry points of this distribution.

Nothing of the simulation is loaded before its command runs, so that no other command starts slower for it.
"""

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from node.cli.failures import CommandError
from node.cli.options import JsonOption
from node.cli.output import Output
from node.cli.program import program
from simulations.levels import Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulations.campaign import Tally
    from simulations.world import Outcome, World

SEEDS_DEFAULT: Final = 200
SEED_MAX: Final = 2**63 - 1
EXIT_VIOLATION: Final = 1
COMPLETE_FROM: Final = 5000
"""A campaign of so many seeds must have covered everything."""

SHOWN_MAX: Final = 40
"""So many lines of a profile are shown."""

LevelOption = Annotated[
    Level, typer.Option(help="Call the other node's application directly, or speak real HTTP over links in memory.")
]
NONE: Final = "none"

_RANGE = re.compile(r"(?P<first>\d{1,19})\.\.(?P<last>\d{1,19})")
_COUNT = re.compile(r"\d{1,12}")
_CHOICES = re.compile(r"\d{1,12}(,\d{1,12})*")


def simulate(  # its options
    *,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="N|A..B",
            help=f"How many seeds, from 0 on, or which. [default: {SEEDS_DEFAULT}, or with --time as many as fit]",
            show_default=False,
        ),
    ] = None,
    time_s: Annotated[
        float | None,
        typer.Option("--time", metavar="SECONDS", min=0.1, help="Begin no seeds after so long.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=512, help="How many processes. [default: one for each core]", show_default=False),
    ] = None,
    level: LevelOption = Level.DIRECT,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time went, in one process; everything is slower then.")
    ] = False,
    planted: Annotated[
        bool, typer.Option("--planted", help="Break the code in copies, one mistake each, and see that seeds find it.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Run the nodes through thousands of bad days.

    Every day is a world of its own, made from one seed: some nodes, a network, a broker, admins, and what goes wrong
    with them. It runs the nodes' own code in virtual time under faults that the seed chooses, and is judged after
    every commit: consent, keys, closing, broadcasts, secrets; and, when all is mended, agreement on both sides. The
    table at the end tells which faults struck and mattered, and which rows of the protocol's tables fired.

    \b
    Examples:
      handclasp simulate
      handclasp simulate --seeds 20000
      handclasp simulate --seeds 4000..4999 --workers 1
      handclasp simulate --time 60
      handclasp simulate --level http --time 60
      handclasp simulate --planted

    Exit code 0: no property was broken; 1: one was, and the line says how to see that world again, or, from 5,000
    seeds on, something that should happen never did. With --planted, 0: every planted mistake was found, within
    --seeds seeds (2,000 if it is not given); 1: one was not.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    if planted:
        return _planted(seeds, workers, is_other=time_s is not None or profile, out=Output(as_json=as_json))
    chosen = _seeds(seeds, is_timed=time_s is not None)
    from simulations.campaign import cores, run_campaign  # noqa: PLC0415 - wrong usage and --help need none of it
    from simulations.reports import Progress  # noqa: PLC0415 - likewise

    progress = Progress(chosen, is_shown=sys.stderr.isatty() and not as_json)

    def run() -> "Tally":
        return run_campaign(
            chosen,
            workers=1 if profile else workers or cores(),
            level=level,
            until=lambda: time_s is not None and progress.passed_s() >= time_s,
            progressed=progress.tell,
        )

    tally, hot = _lived(run, profile=profile)
    progress.end()
    return _report(tally, hot, Output(as_json=as_json), level=level, passed_s=progress.passed_s())


def _lived(run: "Callable[[], Tally]", *, profile: bool) -> "tuple[Tally, list[str]]":
    from simulations.campaign import WorkerLostError  # noqa: PLC0415 - wrong usage and --help need none of it

    try:
        return _profiled(run) if profile else (run(), [])
    except WorkerLostError:
        raise CommandError(
            "A process of this campaign was killed from outside, so its seeds are not done.",
            "Run it again; fewer --workers need less memory.",
            exit_code=EXIT_VIOLATION,
        ) from None


def _planted(seeds: str | None, workers: int | None, *, is_other: bool, out: Output) -> int:
    if is_other or (seeds is not None and not _COUNT.fullmatch(seeds)):
        raise CommandError(
            "--planted goes with a number of --seeds, with --workers and with --json.",
            "Write how many seeds may be tried for each mistake, such as --seeds 2000, or nothing.",
        )
    from simulations.campaign import cores  # noqa: PLC0415 - wrong usage and --help need none of it
    from simulations.planting.command import SEEDS_DEFAULT as PLANTED_SEEDS_DEFAULT  # noqa: PLC0415 - likewise
    from simulations.planting.command import run  # noqa: PLC0415 - likewise

    return run(out, seeds_max=int(seeds) if seeds is not None else PLANTED_SEEDS_DEFAULT, workers=workers or cores())


def _report(tally: "Tally", hot: list[str], out: Output, *, level: Level, passed_s: float) -> int:
    """Print a campaign; the exit code."""
    from simulations.coverage import missing  # noqa: PLC0415 - as above
    from simulations.reports import report_document, report_lines  # noqa: PLC0415 - as above

    at_level = "" if level is Level.DIRECT else f" --level {level}"
    for failure in tally.failures:
        replay = f"{program()} replay {failure.seed}{at_level}"
        sys.stderr.write(f"Seed {failure.seed}: {failure.violation} See it: {replay}\n")
    is_complete_wanted = tally.seeds >= COMPLETE_FROM
    out.document(report_document(tally, passed_s=passed_s))
    for line in [*report_lines(tally, passed_s=passed_s, is_complete_wanted=is_complete_wanted), *hot]:
        out.line(line)
    is_incomplete = is_complete_wanted and bool(missing(tally.counts))
    return EXIT_VIOLATION if tally.failures or is_incomplete else 0


def replay(
    *,
    seed: Annotated[int, typer.Argument(min=0, max=SEED_MAX, help="The seed of the world.", show_default=False)],
    level: LevelOption = Level.DIRECT,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT", help="Leave this fault out, such as 'crash-at-await:a 1'; may be repeated."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT", help="Let this fault strike and no other; may be repeated; 'none': no fault."),
    ] = None,
    out_of_order: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,…",
            help="Let callbacks wait their turn but for these choices; 'none': for all. See `shrink`.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it as one page to step through in a browser.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Live one simulated day again, step by step.

    It shows all that happened in the world of a seed: the same bytes, whenever and wherever. Each line is an
    instant in seconds, a step, a place, what happened there, and its facts. The faults that struck stand at the
    end; each can be left out, or be one of a few that strike.

    \b
    Examples:
      handclasp replay 4711
      handclasp replay 4711 --without 'answer-lost:a>b.test accept c0 #1'
      handclasp replay 4711 --only none --out-of-order none
      handclasp replay 4711 --json
      handclasp replay 4711 --html world.html

    Exit code 0: no property was broken; 1: one was.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    from simulations.campaign import live  # noqa: PLC0415 - wrong usage and --help need none of it
    from simulations.reports import world_document, world_lines  # noqa: PLC0415 - likewise

    world, outcome = live(
        seed,
        level=level,
        without=frozenset(without or ()),
        only=None if not only else frozenset() if only == [NONE] else frozenset(only),
        out_of_order=_choices(out_of_order),
    )
    out = Output(as_json=as_json)
    out.document(world_document(world, outcome))
    if html is not None:
        _write_page(world, outcome, html)
        out.line(f"Open it in a browser: {html.resolve().as_uri()}")
        out.line(outcome.violation or "No property was broken.", whole=True)
    else:
        for line in world_lines(world, outcome):
            out.line(line, whole=True)
    return EXIT_VIOLATION if outcome.violation is not None else 0


def _seeds(text: str | None, *, is_timed: bool) -> range | None:
    if text is None:
        return None if is_timed else range(SEEDS_DEFAULT)
    if (found := _RANGE.fullmatch(text)) is not None:
        first, last = int(found["first"]), int(found["last"])
        if first <= last <= SEED_MAX:
            return range(first, last + 1)
    elif _COUNT.fullmatch(text) and int(text) > 0:
        return range(int(text))
    raise CommandError(
        f"--seeds {text[:60]!a} is neither a number of seeds nor a range of them.",
        "Write a number, such as --seeds 20000, or the first and the last, such as --seeds 4000..4999.",
    )


def _write_page(world: "World", outcome: "Outcome", path: Path) -> None:
    from simulations.page.page import page_of  # noqa: PLC0415 - only a page needs it

    command = f"{program()} {shlex.join(sys.argv[1:])}"
    try:
        path.write_text(page_of(world, outcome, command=command), encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"The page can't be written to {path}: {error.strerror}.", "Name a file in a directory that can be written."
        ) from error


def _choices(text: str | None) -> "frozenset[int] | tuple[()] | None":
    if text is None:
        return None
    if text == NONE:
        return ()
    if _CHOICES.fullmatch(text):
        return frozenset(map(int, text.split(",")))
    raise CommandError(
        f"--out-of-order {text[:60]!a} is not a list of numbers.",
        "Write what `shrink` printed, such as --out-of-order 17,230, or --out-of-order none.",
    )


def _profiled(run: "Callable[[], Tally]") -> "tuple[Tally, list[str]]":
    import cProfile  # noqa: PLC0415 - hardly ever needed
    import io  # noqa: PLC0415 - likewise
    import pstats  # noqa: PLC0415 - likewise

    profiler = cProfile.Profile()
    tally: Any = profiler.runcall(run)
    shown = io.StringIO()
    pstats.Stats(profiler, stream=shown).sort_stats("tottime").print_stats(SHOWN_MAX)
    return tally, ["", *shown.getvalue().strip().splitlines()]
