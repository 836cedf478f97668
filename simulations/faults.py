"""Faults: what can go wrong in a world, how often, and whether it does this time.

A decision is a throw of named dice (`simulations.core.dice`): its name is the kind of fault and what it befalls, such
as `answer-lost:a>b accept c0 #2`. So each fault of a seed can be named, switched off alone (`without`), or left as
one of a few (`only`), and every other decision stays as it was. In each seed some kinds are off altogether (swarm
testing: a fault that always happens hides what others would show), and the rest have rates of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulations.core.dice import Dice


class Fault(StrEnum):
    """The kinds of faults that can strike at random; `MEANINGS` says what each is."""

    REQUEST_LOST = "request-lost"
    ANSWER_LOST = "answer-lost"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    REORDER = "reorder"
    CUT_ANSWER = "cut-answer"
    PARTITION = "partition"
    PARTITION_ONE_WAY = "partition-one-way"
    PORTAL = "portal"
    OTHER_NODE = "other-node"
    FORGED_ANSWER = "forged-answer"
    OLD_ANSWER = "old-answer"
    CRASH_AT_AWAIT = "crash-at-await"
    CRASH_BEFORE_COMMIT = "crash-before-commit"
    CRASH_AFTER_COMMIT = "crash-after-commit"
    LATE_RESTART = "late-restart"
    LOST_WRITE = "lost-write"
    CLOCK_SKEW = "clock-skew"
    CLOCK_JUMP = "clock-jump"
    SLOW_DISK = "slow-disk"
    FULL_DISK = "full-disk"
    BROKER_OUTAGE = "broker-outage"
    BROKER_DUPLICATE = "broker-duplicate"
    BROKER_ACK_LOST = "broker-ack-lost"


MEANINGS: Final = {
    Fault.REQUEST_LOST: "a request never arrives",
    Fault.ANSWER_LOST: "a request is done, its answer never arrives",
    Fault.DUPLICATE: "a request arrives a second time, up to hours later",
    Fault.DELAY: "a request arrives late, perhaps after its sender gave up",
    Fault.REORDER: "a request is overtaken by later ones",
    Fault.CUT_ANSWER: "an answer breaks off in the middle",
    Fault.PARTITION: "two nodes can't reach each other for a while",
    Fault.PARTITION_ONE_WAY: "nothing gets from one node to another for a while",
    Fault.PORTAL: "something that is no node answers: a captive portal, a proxy, a rate limit",
    Fault.OTHER_NODE: "another real node answers at the URL",
    Fault.FORGED_ANSWER: "an answer comes with everything right but the signature",
    Fault.OLD_ANSWER: "a true answer to an earlier question comes once more",
    Fault.CRASH_AT_AWAIT: "a node loses its power between two steps",
    Fault.CRASH_BEFORE_COMMIT: "a node loses its power just before a commit",
    Fault.CRASH_AFTER_COMMIT: "a node loses its power after a commit that nobody was told of",
    Fault.LATE_RESTART: "a node that crashed stays away for long",
    Fault.LOST_WRITE: "what was not committed yet is lost in a crash, rather than committed untold",
    Fault.CLOCK_SKEW: "a node's clock is wrong from the start",
    Fault.CLOCK_JUMP: "a node's clock is set",
    Fault.SLOW_DISK: "commits take seconds for a while",
    Fault.FULL_DISK: "the disk has no room for a while",
    Fault.BROKER_OUTAGE: "the broker is away for a while, perhaps without its memory afterwards",
    Fault.BROKER_DUPLICATE: "the broker hands a message on twice",
    Fault.BROKER_ACK_LOST: "a link breaks after the broker took a message, before it said so",
}

RATES: Final = {
    Fault.REQUEST_LOST: 0.10,
    Fault.ANSWER_LOST: 0.12,
    Fault.DUPLICATE: 0.12,
    Fault.DELAY: 0.06,
    Fault.REORDER: 0.10,
    Fault.CUT_ANSWER: 0.05,
    Fault.PARTITION: 0.50,
    Fault.PARTITION_ONE_WAY: 0.50,
    Fault.PORTAL: 0.08,
    Fault.OTHER_NODE: 0.06,
    Fault.FORGED_ANSWER: 0.08,
    Fault.OLD_ANSWER: 0.08,
    Fault.CRASH_AT_AWAIT: 0.30,
    Fault.CRASH_BEFORE_COMMIT: 0.25,
    Fault.CRASH_AFTER_COMMIT: 0.30,
    Fault.LATE_RESTART: 0.40,
    Fault.LOST_WRITE: 0.50,
    Fault.CLOCK_SKEW: 0.35,
    Fault.CLOCK_JUMP: 0.30,
    Fault.SLOW_DISK: 0.35,
    Fault.FULL_DISK: 0.30,
    Fault.BROKER_OUTAGE: 0.40,
    Fault.BROKER_DUPLICATE: 0.15,
    Fault.BROKER_ACK_LOST: 0.06,
}
"""How likely each is where it can strike, before the seed's own factor."""

OFF: Final = 0.4
"""The share of seeds in which a kind is switched off."""

LASTING_S: Final = (5.0, 600.0)
"""How long a slow or full disk, or a broker outage, lasts."""

FACTOR_MIN, FACTOR_MAX = 0.3, 1.8
"""Between these lies a seed's own factor for a kind's rate."""


@dataclass(frozen=True, slots=True)
class Window:
    """A fault that lasts: of which kind, from when to when in virtual seconds, and what it befalls."""

    kind: Fault
    begins_s: float
    ends_s: float
    what: tuple[str, int]

    def covers(self, now: float) -> bool:
        """Whether an instant lies within."""
        return self.begins_s <= now < self.ends_s


class Plan:
    """Which faults strike in one world.

    Attributes:
        struck: the names of those that did, in order; `only=struck` makes the same world again.
        mattered: the kinds that changed what somebody did, as far as the simulation can tell.
        kinds: those that are on in this seed.
    """

    def __init__(
        self,
        dice: Dice,
        *,
        kinds: frozenset[Fault] | None = None,
        without: frozenset[str] = frozenset(),
        only: frozenset[str] | None = None,
    ) -> None:
        """Draw what is on.

        Args:
            dice: of the seed.
            kinds: what is on, if the seed is not to say.
            without: names of faults that do not strike.
            only: names of the faults that strike; all others do not.
        """
        self._dice = dice
        self._without = without
        self._only = only
        self._struck: dict[str, None] = {}
        self._healed = False
        self.mattered: set[Fault] = set()
        if kinds is None:
            kinds = frozenset(kind for kind in Fault if dice.fraction("swarm", kind) >= OFF)
        self.kinds = kinds
        self._rates = {
            kind: RATES[kind] * dice.between(FACTOR_MIN, FACTOR_MAX, "factor", kind) if kind in kinds else 0.0
            for kind in Fault
        }

    @property
    def struck(self) -> tuple[str, ...]:
        """See the class."""
        return tuple(self._struck)

    def heal(self) -> None:
        """From now on nothing strikes."""
        self._healed = True

    def strikes(self, kind: Fault, *what: object) -> bool:
        """Whether this fault strikes here and now; each name is asked for once, or always answered the same."""
        is_drawn = self.is_drawn(kind, *what)
        if is_drawn:
            self.struck_now(kind, *what)
        return is_drawn

    def struck_now(self, kind: Fault, *what: object) -> None:
        """A fault that was drawn before strikes now."""
        self._struck[_name(kind, *what)] = None

    def is_drawn(self, kind: Fault, *what: object) -> bool:
        """Whether this fault strikes when its time comes."""
        if self._healed:
            return False
        rate = self._rates[kind]
        if self._only is None and (not rate or self._dice.fraction(kind, *what) >= rate):
            return False
        name = _name(kind, *what)
        return name not in self._without and (self._only is None or name in self._only)

    def between(self, lowest: float, highest: float, *name: object) -> float:
        """A number that says how a fault strikes."""
        return self._dice.between(lowest, highest, "how", *name)

    def below(self, limit: int, *name: object) -> int:
        """A whole number that says how a fault strikes."""
        return self._dice.below(limit, "how", *name)

    def windows(
        self, kind: Fault, who: str, *, at_most: int, within_s: float, lasts_s: tuple[float, float]
    ) -> Iterator[Window]:
        """The times at which a lasting fault befalls somebody."""
        for number in range(at_most):
            if self.is_drawn(kind, who, number):
                begins_s = self.between(0, within_s, kind, who, number, "begins")
                lasts = _long_tailed(self.between, lasts_s, kind, who, number, "lasts")
                yield Window(kind, begins_s, begins_s + lasts, (who, number))


def _name(kind: Fault, *what: object) -> str:
    return f"{kind}:{' '.join(map(str, what))}"


def _long_tailed(between: Callable[..., float], limits_s: tuple[float, float], *name: object) -> float:
    """Short times are likelier: the logarithm is drawn evenly."""
    lowest, highest = limits_s
    return float(lowest * (highest / lowest) ** between(0, 1, *name))
