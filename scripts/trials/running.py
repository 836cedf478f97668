"""Running trials one after the other, each in a folder of its own that goes when it held."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from node.brokers.children import BrokerStartError
from node.local_pair.processes import PairStartError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.trials import broker_away, kill_9, one_code_two_takers, replay, source_away
from scripts.trials.trial import NotHeldError, Stage, first_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scripts.trials.trial import Trial

TRIALS = (source_away.TRIAL, one_code_two_takers.TRIAL, kill_9.TRIAL, broker_away.TRIAL, replay.TRIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of one trial.

    Attributes:
        name: of the trial.
        rounds: how many there were.
        counted: what a round was.
        held: whether what must hold did.
        sentence: what held, or what did not.
        figures: what was counted and measured.
        duration_s: how long it took.
        kept: the folder with data and logs, when it did not hold.
    """

    name: str
    rounds: int
    counted: str
    held: bool
    sentence: str
    figures: Mapping[str, Any]
    duration_s: float
    kept: str | None = None

    @property
    def line(self) -> str:
        """All of it in one line."""
        kept = f" (data and logs are kept in {self.kept})" if self.kept else ""
        verdict = "held" if self.held else "NOT HELD"
        return (
            f"{self.name}: {self.rounds:,} {self.counted}: {verdict}: {self.sentence}{kept} [{self.duration_s:.0f} s]"
        )


async def run_all(
    trials: Sequence[Trial], *, rounds: int | None, seed: int, away_s: float, tell: Callable[[Report], None]
) -> bool:
    """Run trials in turn and tell of each when it is over; whether all held.

    A SIGTERM ends them as Ctrl-C does: nothing is left, neither a process nor a file.
    """
    current = asyncio.current_task()
    assert current is not None  # noqa: S101 - this is a coroutine
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)
    all_held = True
    for trial in trials:
        report = await _run_one(trial, rounds=rounds or trial.rounds, seed=seed, away_s=away_s)
        tell(report)
        all_held &= report.held
    return all_held


async def _run_one(trial: Trial, *, rounds: int, seed: int, away_s: float) -> Report:
    folder = Path(tempfile.mkdtemp(prefix=f"handclasp-{trial.name}-"))
    began, kept = time.monotonic(), None
    random = Random(f"{seed} {trial.name}")  # noqa: S311 - it is to be drawn again, and keeps no secret
    try:
        with _progress(trial, rounds) as advance:
            stage = Stage(folder=folder, rounds=rounds, random=random, away_s=away_s, advance=advance)
            held = await trial.run(stage)
        is_held, sentence, figures = True, held.sentence, held.figures
    except (NotHeldError, PairStartError, BrokerStartError, ExceptionGroup) as group:
        error = first_of(group)
        if not isinstance(error, NotHeldError | PairStartError | BrokerStartError):
            traceback.print_exception(group)
        is_held, sentence, figures, kept = False, f"{error}", {}, str(folder)
    finally:
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)
    return Report(
        name=trial.name,
        rounds=rounds,
        counted=trial.counted,
        held=is_held,
        sentence=sentence,
        figures=figures,
        duration_s=time.monotonic() - began,
        kept=kept,
    )


@contextmanager
def _progress(trial: Trial, rounds: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, and nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(trial.name, total=rounds * trial.steps)
        yield lambda: bar.advance(task)
