"""What a run has found: a verdict for each rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from simulations.conform.rules import UNTRIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulations.conform.rules import Rule

NOT_REACHED: Final = "no story of this run came to it"
FAULTS_MAX: Final = 8
"""So many sentences are kept of one rule."""


class Outcome(StrEnum):
    """What is known of a rule after a run."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One rule's outcome: how often it was tried, what was wrong, or why it was not tried."""

    rule: Rule
    outcome: Outcome
    tried: int
    faults: tuple[str, ...] = ()
    why: str = ""


class StoryOverError(Exception):
    """A rule was broken, so that nothing more can be told of this connection; the text names rule and story."""


class Findings:
    """The rules of a role and what was found of each.

    Attributes:
        story: the title of the story that is being told.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._tried = dict.fromkeys(rules, 0)
        self._faults: dict[str, list[str]] = {name: [] for name in rules}
        self._why = {name: why for name, why in UNTRIABLE.items() if name in rules}
        self.story = ""

    def kept(self, *names: str) -> None:
        """Each of these rules was tried and kept, once more."""
        for name in names:
            self._tried[name] += 1

    def broken(self, name: str, sentence: str) -> None:
        """A rule was tried and broken; the story may go on."""
        self._tried[name] += 1
        if len(self._faults[name]) < FAULTS_MAX:
            self._faults[name].append(f"{self.story}: {sentence}" if self.story else sentence)

    def over(self, name: str, sentence: str) -> StoryOverError:
        """A rule was broken; the error that ends its story."""
        self.broken(name, sentence)
        return StoryOverError(f"the story {self.story!r} ended where {name!r} was broken")

    def judge(self, name: str, *, good: bool, sentence: str) -> None:
        """A rule was kept, or it was not and the sentence says how."""
        if good:
            self.kept(name)
        else:
            self.broken(name, sentence)

    def not_tried(self, why: str, *names: str) -> None:
        """Say why rules were not tried, should they not be tried elsewhere."""
        for name in names:
            self._why.setdefault(name, why)

    def untried(self, why: str) -> None:
        """Say of all rules that were not tried yet, and have no reason yet, why."""
        self.not_tried(why, *(name for name, tried in self._tried.items() if not tried))

    def verdicts(self) -> list[Verdict]:
        """One verdict a rule, in the rules' order."""
        return [self._verdict(name) for name in self._rules]

    def _verdict(self, name: str) -> Verdict:
        tried, faults = self._tried[name], tuple(self._faults[name])
        outcome = Outcome.BROKEN if faults else Outcome.KEPT if tried else Outcome.NOT_TRIED
        why = self._why.get(name, NOT_REACHED) if outcome is Outcome.NOT_TRIED else ""
        return Verdict(rule=self._rules[name], outcome=outcome, tried=tried, faults=faults, why=why)
