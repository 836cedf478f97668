"""Every request between nodes, and what befalls it on the way.

A request and its answer are two messages. Each may be lost, late, doubled, cut, or met by something that is no node.
What brings a request here, and an answer from there, is the level's: the handler called directly, or real HTTP over
links in memory (`simulations.carriers`). So both levels have the same faults.

What is under way belongs to nobody: a sender that loses its power has sent it all the same.
"""

from __future__ import annotations

import contextvars
from collections import Counter
from dataclasses import replace
from errno import ECONNREFUSED
from itertools import count
from typing import TYPE_CHECKING, Final

from node.causes import Cause
from simulations.calls import Call, NoAsker, Ruling
from simulations.faults import Fault
from simulations.http.messages import WireAnswer
from simulations.impostors import forged_answer, portal_answer
from simulations.wire import Said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node.ports import HttpAnswer
    from simulations.calls import Destination, Directory, Meddler, NetworkOverseer
    from simulations.core.loop import SimulationLoop
    from simulations.faults import Plan, Window
    from simulations.trace import Trace

LATENCIES_S: Final = ((0.0001, 0.001), (0.0001, 0.001), (0.001, 0.03), (0.001, 0.03), (0.02, 0.3))
"""How long a message takes: in one room, in one country, across an ocean; a seed has one of these."""

OVERTAKEN_S: Final = (0.05, 4.9)
LATE_S: Final = (1.0, 120.0)
REPEATED_S: Final = (0.5, 4 * 3600.0)
PARTITION_S: Final = (1.0, 3600.0)
PARTITIONS_MAX: Final = 2
_ENDS_WITHOUT_ANSWER: Final = frozenset({Fault.REQUEST_LOST, Fault.ANSWER_LOST, Fault.DELAY, Fault.CUT_ANSWER})
LOOKED_AT_MAX: Final = 3
"""How many of the answers to one node are kept, to be given again."""


class Network:
    """All ways between the machines of a world.

    Attributes:
        plan: says what strikes.
        meddler: says it of single messages, by hand; none: nobody does.
        cut_by_hand: the ways, from machine to machine, that nothing gets through until they are taken out.
        latency_s: between these lies how long a message takes here, in seconds.
    """

    def __init__(
        self,
        loop: SimulationLoop,
        plan: Plan,
        trace: Trace,
        directory: Directory,
        overseer: NetworkOverseer,
        *,
        names: list[str],
        faults_until_s: float,
    ) -> None:
        self._loop = loop
        self.plan = plan
        self._trace = trace
        self._directory = directory
        self._overseer = overseer
        self._nowhere = contextvars.Context()
        self._attempts: Counter[str] = Counter()
        self._labels: dict[bytes, str] = {}
        self._answers: dict[tuple[str, str], list[HttpAnswer]] = {}
        self._arrived: dict[tuple[str, str], int] = {}
        self._misled: dict[str, set[Fault]] = {}
        self._numbers = count(1)
        self._faults_until_s = faults_until_s
        self.join(names)
        self._healed = False
        self.meddler: Meddler | None = None
        self.cut_by_hand: set[tuple[str, str]] = set()
        self.latency_s = LATENCIES_S[plan.below(len(LATENCIES_S), "latency")]

    def join(self, names: list[str]) -> None:
        """These are all machines now: from time to time some can't reach each other."""
        self._cuts = list(_partitions(self.plan, names, self._faults_until_s))

    def heal(self) -> None:
        """Every link works from now on; what is under way arrives."""
        self._healed = True
        self.cut_by_hand.clear()

    def label(self, connection: bytes) -> str:
        """A short name of a connection: c0 is the first that any message was about."""
        return self._labels.setdefault(connection, f"c{len(self._labels)}")

    def begin(
        self, source: str, remote: str, method: str, host: str, path: str, *, headers: dict[str, str], body: bytes
    ) -> Call:
        """A request that a node makes; `send` it, once it is known where the answer goes."""
        said = Said.read(body) if body else None
        about = f"{said.kind} {self.label(said.connection)}" if said is not None else path.rpartition("/")[2]
        link = f"{source}>{host} {about}"
        self._attempts[link] += 1
        call = Call(
            network=self,
            source=source,
            target=host,
            method=method,
            path=path,
            headers=headers,
            body=body,
            said=said,
            name=f"{link} #{self._attempts[link]}",
            remote=remote,
            number=next(self._numbers),
        )
        if said is not None:
            self._overseer.said(source, said)
        self._trace.add(source, "asks", to=host, call=call.name, **_facts(said))
        return call

    def no_answer(self, call: Call, cause: Cause) -> None:
        """The caller was told that there is none."""
        self._trace.add(call.source, "no-answer", call=call.name, cause=cause.value)
        self._overseer.failed(call, cause)
        self.plan.mattered |= call.befallen & _ENDS_WITHOUT_ANSWER

    def repeat(self, call: Call) -> Call:
        """The same request, which its client makes once more though no answer has come."""
        again = replace(call, name=f"{call.name} retried", number=next(self._numbers))
        self._trace.add(call.source, "asks-again", to=call.target, call=again.name)
        return again

    def send(self, call: Call) -> None:
        """Let a request go."""
        self._overseer.passed(call.raw or call.body)
        plan, name = self.plan, call.name
        delay_s = plan.between(*self.latency_s, "there", name)
        if self.meddler is not None:
            ruling = self._ruled(call, is_answer=False)
            delay_s += ruling.late_s
            if ruling.again_s is not None:
                self._loop.call_later(ruling.again_s, self._arrive_again, call, context=self._nowhere)
            if ruling.is_lost:
                return
        if plan.strikes(Fault.REORDER, name):
            delay_s += plan.between(*OVERTAKEN_S, "overtaken", name)
            self._strike(call, Fault.REORDER)
        if plan.strikes(Fault.DELAY, name):
            delay_s += plan.between(*LATE_S, "late", name)
            self._strike(call, Fault.DELAY)
        if plan.strikes(Fault.DUPLICATE, name):
            low, high = REPEATED_S
            again_s = low * (high / low) ** plan.between(0, 1, "again", name)
            self._loop.call_later(again_s, self._arrive_again, call, context=self._nowhere)
            self._strike(call, Fault.DUPLICATE)
        if plan.strikes(Fault.REQUEST_LOST, name):
            self._strike(call, Fault.REQUEST_LOST)
            return
        self._loop.call_later(delay_s, self._arrive, call, context=self._nowhere)

    def _ruled(self, call: Call, *, is_answer: bool) -> Ruling:
        """What somebody has decided by hand; none of it is among the faults that a seed draws."""
        ruling = self.meddler.rules(call, is_answer=is_answer) if self.meddler is not None else Ruling()
        if ruling.is_lost:
            self._trace_fault(call, Fault.ANSWER_LOST if is_answer else Fault.REQUEST_LOST)
        if ruling.late_s:
            self._trace_fault(call, Fault.DELAY)
        if ruling.again_s is not None:
            self._trace_fault(call, Fault.DUPLICATE)
        return ruling

    def _arrive_again(self, call: Call) -> None:
        again = replace(
            call, name=f"{call.name} again", asker=NoAsker(), linked_to=None, number=0, is_repeated=True, befallen=set()
        )
        self._arrive(again)

    def _arrive(self, call: Call) -> None:
        plan, name = self.plan, call.name
        destination = call.linked_to or self._directory.at(call.target)
        if self._is_cut_off(call, destination):
            return
        link = (call.source, call.target)
        if call.number < self._arrived.get(link, 0) and Fault.REORDER in call.befallen:
            plan.mattered.add(Fault.REORDER)
        self._arrived[link] = max(call.number, self._arrived.get(link, 0))
        if plan.strikes(Fault.PORTAL, name):
            self._mislead(call, Fault.PORTAL, portal_answer(plan, name))
            return
        if call.said is not None and plan.strikes(Fault.FORGED_ANSWER, name):
            self._mislead(call, Fault.FORGED_ANSWER, forged_answer(plan, name, call.said))
            return
        if call.said is not None and (old := self._old_answer(call)) is not None:
            self._mislead(call, Fault.OLD_ANSWER, old)
            return
        if destination is not None and plan.strikes(Fault.OTHER_NODE, name):
            destination = self._directory.another(destination.name, plan.between(0, 1, "other", name)) or destination
            self._strike(call, Fault.OTHER_NODE)
            self._misled.setdefault(call.source, set()).add(Fault.OTHER_NODE)
        if destination is None or not destination.is_reachable():
            self._refuse(call, destination)
            call.asker.break_off(Cause.UNREACHABLE, f"Nothing listens at {call.target}.")
            return
        call.asked_at = destination.name
        self._trace.add(destination.name, "receives", call=name)
        self._overseer.arrived(destination.name, call)
        destination.receive(call)

    def send_back(self, call: Call, answer: HttpAnswer) -> None:
        """Bring an answer back to where its question came from."""
        plan, name = self.plan, call.name
        said = Said.read(answer.body) if call.said is not None else None
        self._overseer.passed(answer.raw if isinstance(answer, WireAnswer) else answer.body)
        if said is not None:
            self._overseer.said(call.asked_at, said)
        self._trace.add(call.asked_at, "answers", call=name, status=answer.status, **_facts(said))
        if call.is_repeated:
            plan.mattered.add(Fault.DUPLICATE)
            return
        if said is not None:
            kept = self._answers.setdefault((call.source, call.target), [])
            kept.append(answer)
            del kept[:-LOOKED_AT_MAX]
        if plan.strikes(Fault.ANSWER_LOST, name):
            self._strike(call, Fault.ANSWER_LOST)
            return
        delay_s = plan.between(*self.latency_s, "back", name)
        if self.meddler is not None:
            ruling = self._ruled(call, is_answer=True)
            delay_s += ruling.late_s
            if ruling.is_lost:
                return
        if plan.strikes(Fault.CUT_ANSWER, name):
            self._strike(call, Fault.CUT_ANSWER)
            self._loop.call_later(delay_s, self._come_back_cut, call, answer, context=self._nowhere)
            return
        self._loop.call_later(delay_s, self._come_back, call, answer, context=self._nowhere)

    def _come_back(self, call: Call, answer: HttpAnswer) -> None:
        if self._is_cut(call.asked_at, call.source):
            self._trace.add("network", "cut-off", call=call.name, way="back")
            return
        self._deliver(call, answer)

    def _deliver(self, call: Call, answer: HttpAnswer) -> None:
        if call.asker.is_waiting():
            self._trace.add(call.source, "is-told", call=call.name, status=answer.status)
            self._overseer.told_answer(call)
            call.asker.take(answer)

    def _come_back_cut(self, call: Call, answer: HttpAnswer) -> None:
        if call.asker.is_waiting():
            share = self.plan.between(0, 1, "cut", call.name)
            self._trace.add(call.source, "is-told", call=call.name, status=answer.status, share=share)
            if call.asker.take_part(answer, share):
                self._misled.setdefault(call.source, set()).add(Fault.CUT_ANSWER)

    def _old_answer(self, call: Call) -> HttpAnswer | None:
        kept = self._answers.get((call.source, call.target))
        if not kept or not self.plan.strikes(Fault.OLD_ANSWER, call.name):
            return None
        return kept[self.plan.below(len(kept), "old", call.name)]

    def gave_up(self, source: str) -> None:
        """A machine takes what it was last told for no answer."""
        self.plan.mattered |= self._misled.pop(source, set())

    def reach(self, call: Call) -> Destination | None:
        """Whom a new link for a request leads to; none: only something that stands between.

        Raises:
            LookupError: nothing comes back, for the network lets nothing through.
            ConnectionRefusedError: nothing listens there.
        """
        destination = self._directory.at(call.target)
        if self._is_cut_off(call, destination):
            raise LookupError(call.target)
        if destination is not None and destination.is_reachable():
            return destination
        if self.plan.is_drawn(Fault.PORTAL, call.name):
            return None
        self._refuse(call, destination)
        raise ConnectionRefusedError(ECONNREFUSED, f"Nothing listens at {call.target}.")

    def _refuse(self, call: Call, destination: Destination | None) -> None:
        if destination is not None and destination.stays_away:
            self.plan.mattered.add(Fault.LATE_RESTART)
        self._trace.add("network", "refused", call=call.name)

    def _is_cut_off(self, call: Call, destination: Destination | None) -> bool:
        is_cut = self._is_cut(call.source, destination.name if destination is not None else call.target)
        if is_cut:
            self._trace.add("network", "cut-off", call=call.name)
        return is_cut

    def _is_cut(self, source: str, target: str) -> bool:
        now = self._loop.time()
        if (source, target) in self.cut_by_hand:
            return True
        if self._healed:
            return False
        for window, pairs in self._cuts:
            if window.covers(now) and (source, target) in pairs:
                self.plan.struck_now(window.kind, *window.what)
                self.plan.mattered.add(window.kind)
                return True
        return False

    def _mislead(self, call: Call, fault: Fault, answer: HttpAnswer) -> None:
        self._strike(call, fault)
        self._misled.setdefault(call.source, set()).add(fault)
        self._deliver(call, answer)

    def _strike(self, call: Call, fault: Fault) -> None:
        call.befallen.add(fault)
        self._trace_fault(call, fault)

    def _trace_fault(self, call: Call, fault: Fault) -> None:
        self._trace.add("network", "fault", fault=fault.value, call=call.name)


def _partitions(plan: Plan, names: list[str], within_s: float) -> Iterator[tuple[Window, frozenset[tuple[str, str]]]]:
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            for window in plan.windows(
                Fault.PARTITION, f"{one}-{other}", at_most=PARTITIONS_MAX, within_s=within_s, lasts_s=PARTITION_S
            ):
                yield window, frozenset({(one, other), (other, one)})
        for other in names:
            if other == one:
                continue
            for window in plan.windows(
                Fault.PARTITION_ONE_WAY, f"{one}>{other}", at_most=1, within_s=within_s, lasts_s=PARTITION_S
            ):
                yield window, frozenset({(one, other)})


def _facts(said: Said | None) -> dict[str, str | int | bool | None]:
    if said is None:
        return {}
    return {
        "message": said.message[:8].hex(),
        "kind": said.kind,
        "role": said.role,
        "serial": said.serial,
        "says": f"{said.mine.phase} {said.mine.revision}{' on' if said.mine.enabled else ''}",
        "reason": said.reason,
        "holds": None
        if said.echo is None
        else f"{said.echo.phase} {said.echo.revision}{' on' if said.echo.enabled else ''}",
    }
