"""A world's trace as rows and arrows: what a sequence diagram draws.

A row is something that happened somewhere; an arrow goes from the row in which a message left to the one in which it
arrived, and says what befell it. How things stand at a row is what all rows up to it changed, so the page can step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from simulations.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from simulations.trace import Entry

BROKER: Final = "broker"

CRASHES: Final = {
    "at an await": Fault.CRASH_AT_AWAIT,
    "before a commit": Fault.CRASH_BEFORE_COMMIT,
    "after a commit": Fault.CRASH_AFTER_COMMIT,
}

GROUPS: Final = {
    "talk": "statements between nodes",
    "probe": "requests for node info",
    "node": "what a node stores, its power, its clock",
    "admin": "what people ask",
    "mqtt": "broadcasts of statuses and presence",
    "trace": "broadcasts of traces, and links that can't be had",
    "world": "the end of all faults, and what was broken",
}


@dataclass(slots=True, kw_only=True)
class Row:
    """Something that happened.

    Attributes:
        lane: at which machine; none: everywhere.
        to_lane: it is on the way from that machine to this one.
        group: see `GROUPS`.
        mark: what kind of thing it is, for its looks.
        text: the same in a few words.
        facts: the rest, by name.
        changes: what is different from now on: `power`, `ahead_s`, a connection's `record`, or all that a machine
            holds, its `memory`.
    """

    at_s: float
    lane: str | None
    group: str
    mark: str
    text: str
    to_lane: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Arrow:
    """A message on its way: from one row at one machine to another row at another.

    Attributes:
        fate: `arrives`; `lost`: it ends on its way; `refused`: nothing listens; `impostor`: it comes from something on
            the way that is no node.
        faults: what befell it.
    """

    group: str
    text: str
    from_row: int
    from_lane: str
    to_row: int
    to_lane: str
    is_answer: bool = False
    fate: str = "arrives"
    faults: list[str] = field(default_factory=list)


class Story:
    """All rows and arrows of a world.

    Attributes:
        lanes: the machines, copies too, and the broker, from left to right.
    """

    def __init__(self, hosts: Iterable[str], entries: Iterable[Entry], *, clients: dict[str, str]) -> None:
        """Read a trace. `clients` names the machine behind each id by which the broker and topics know it."""
        self.lanes = [*hosts, BROKER]
        self.rows: list[Row] = []
        self.arrows: list[Arrow] = []
        self.faults: dict[str, int] = {}
        self._clients = clients
        self._open: dict[str, Arrow] = {}
        self._heard: dict[str, str] = {}
        self._boots: Counter[str] = Counter()
        self._memory: dict[str, dict[str, dict[str, Any]]] = {}
        self._kept: dict[str, dict[str, dict[str, Any]]] = {}
        for entry in entries:
            self._take(entry)

    def ends(self, at_s: float, violation: str | None) -> None:
        """Close the story with what was broken, if anything was."""
        if violation is not None:
            self._add(at_s, None, "world", "violation", violation)

    def view(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "lanes": self.lanes,
            "rows": [asdict(row) for row in self.rows],
            "arrows": [asdict(arrow) for arrow in self.arrows],
        }

    def _add(self, at_s: float, lane: str | None, group: str, mark: str, text: str, **more: Any) -> int:
        self.rows.append(Row(at_s=at_s, lane=lane, group=group, mark=mark, text=text, **more))
        return len(self.rows) - 1

    def _take(self, entry: Entry) -> None:
        takes: dict[str, Callable[[Entry], None]] = {
            "asks": self._asks,
            "asks-again": self._asks_again,
            "receives": self._receives,
            "hears": self._hears,
            "answers": self._answers,
            "is-told": self._is_told,
            "no-answer": self._no_answer,
            "cut-off": self._ends_on_its_way,
            "refused": self._refused,
            "fault": self._fault,
            "commit": self._commit,
            "crash": self._crash,
            "published": self._published,
            "linked": self._linked_now,
            "unlinked": self._unlinked,
        }
        takes.get(entry.what, self._other)(entry)

    # Messages

    def _asks(self, entry: Entry) -> None:
        call, to = str(entry.facts["call"]), str(entry.facts["to"]).partition(".")[0]
        group = "probe" if entry.facts.get("kind") is None else "talk"
        text = _said(entry) or "who are you?"
        row = self._add(entry.at_s, entry.host, group, "asks", text, facts=entry.facts)
        self._go(call, Arrow(group=group, text=text, from_row=row, from_lane=entry.host, to_row=row, to_lane=to))

    def _asks_again(self, entry: Entry) -> None:
        call, again = str(entry.facts["call"]).removesuffix(" retried"), str(entry.facts["call"])
        first = self._open.get(call)
        text = first.text if first is not None else "asks again"
        group, to = (first.group, first.to_lane) if first is not None else ("talk", str(entry.facts["to"])[0])
        row = self._add(entry.at_s, entry.host, group, "asks", f"{text}, once more", facts=entry.facts)
        self._go(again, Arrow(group=group, text=text, from_row=row, from_lane=entry.host, to_row=row, to_lane=to))

    def _go(self, call: str, arrow: Arrow) -> None:
        arrow.fate = "lost"  # until it arrives
        self._open[call] = arrow
        self.arrows.append(arrow)

    def _receives(self, entry: Entry) -> None:
        call = str(entry.facts["call"])
        asked = self._open.get(call)
        if asked is None and (first := self._open.get(call.removesuffix(" again"))) is not None:
            self._go(
                call,
                asked := Arrow(
                    group=first.group,
                    text=f"{first.text}, a second time",
                    from_row=first.from_row,
                    from_lane=first.from_lane,
                    to_row=first.from_row,
                    to_lane=entry.host,
                    faults=["duplicate"],
                ),
            )
        group = asked.group if asked is not None else "talk"
        text = f"receives {asked.text if asked is not None else 'it'}"
        row = self._add(entry.at_s, entry.host, group, "receives", text, facts=entry.facts)
        if asked is not None:
            asked.to_row, asked.to_lane, asked.fate = row, entry.host, "arrives"

    def _hears(self, entry: Entry) -> None:
        self._heard[entry.host] = str(entry.facts["result"]).replace("-", " ")

    def _answers(self, entry: Entry) -> None:
        call = str(entry.facts["call"])
        asked = self._open.get(call)
        group = asked.group if asked is not None else "talk"
        heard = self._heard.pop(entry.host, None)
        text = _said(entry) or ("I am" if entry.facts.get("status") == 200 else f"HTTP {entry.facts.get('status')}")  # noqa: PLR2004 - HTTP's own
        note = f"{heard}: {text}" if heard is not None else text
        row = self._add(entry.at_s, entry.host, group, "answers", note, facts=entry.facts)
        to = asked.from_lane if asked is not None else entry.host
        arrow = Arrow(
            group=group, text=text, from_row=row, from_lane=entry.host, to_row=row, to_lane=to, is_answer=True
        )
        self._go(call, arrow)

    def _is_told(self, entry: Entry) -> None:
        call = str(entry.facts["call"])
        answer = self._open.get(call)
        group = answer.group if answer is not None else "talk"
        told = answer.text if answer is not None and answer.is_answer else f"HTTP {entry.facts.get('status')}"
        row = self._add(entry.at_s, entry.host, group, "is-told", f"is told {told}", facts=entry.facts)
        if answer is None:
            return
        if answer.is_answer:
            answer.to_row, answer.fate = row, "arrives"
        else:  # something on the way answered in the node's place
            self.arrows.append(
                Arrow(
                    group=group,
                    text=f"HTTP {entry.facts.get('status')}",
                    from_row=answer.to_row,
                    from_lane=answer.to_lane,
                    to_row=row,
                    to_lane=entry.host,
                    is_answer=True,
                    fate="impostor",
                    faults=list(answer.faults),
                )
            )

    def _no_answer(self, entry: Entry) -> None:
        arrow = self._open.get(str(entry.facts["call"]))
        group = arrow.group if arrow is not None else "talk"
        text = f"no answer: {entry.facts['cause']}"
        self._add(entry.at_s, entry.host, group, "no-answer", text, facts=entry.facts)

    def _ends_on_its_way(self, entry: Entry) -> None:
        arrow = self._open.get(str(entry.facts["call"]))
        if arrow is None:
            return
        text = "cut off by a partition"
        arrow.to_row = self._on_its_way(entry, arrow, text)
        arrow.faults.append("partition")

    def _refused(self, entry: Entry) -> None:
        if "call" not in entry.facts:  # a link to the broker
            lane = self._machine(entry.facts.get("client"))
            self._add(entry.at_s, lane, "trace", "refused", "no broker to be had", facts=entry.facts)
            return
        arrow = self._open.get(str(entry.facts["call"]))
        if arrow is not None:
            text, arrow.fate = "nothing listens here", "refused"
            arrow.to_row = self._add(entry.at_s, arrow.to_lane, arrow.group, "refused", text, facts=entry.facts)

    def _fault(self, entry: Entry) -> None:
        fault = str(entry.facts["fault"])
        if entry.host == BROKER:
            lane = self._machine(entry.facts.get("client"))
            self._add(entry.at_s, lane, "mqtt", "fault", fault, facts=entry.facts)
            return
        call = str(entry.facts["call"])
        arrow = self._open.get(call)
        if arrow is None:
            return
        arrow.to_row = self.faults[f"{fault}:{call}"] = self._on_its_way(entry, arrow, fault)
        arrow.faults.append(fault)

    def _on_its_way(self, entry: Entry, arrow: Arrow, text: str) -> int:
        lanes = {"lane": arrow.from_lane, "to_lane": arrow.to_lane}
        return self._add(entry.at_s, group=arrow.group, mark="fault", text=text, facts=entry.facts, **lanes)

    # Nodes

    def _commit(self, entry: Entry) -> None:
        facts = dict(entry.facts)
        record = f"{facts['connection']} {facts['role']}"
        if facts.get("gone"):
            text = f"{record}: gone"
        else:
            owed = ", owed" if facts.get("owed") else ""
            text = f"{facts['connection']} {facts['mine']}{owed}"
        self._memory.setdefault(entry.host, {})[record] = facts
        changes = {"record": [entry.host, facts]}
        self._add(entry.at_s, entry.host, "node", "commit", text, facts=facts, changes=changes)

    def _crash(self, entry: Entry) -> None:
        text = f"power lost, {entry.facts['how']}"
        row = self._add(
            entry.at_s, entry.host, "node", "crash", text, facts=entry.facts, changes={"power": [entry.host, "off"]}
        )
        kind = CRASHES.get(str(entry.facts["how"]))
        if kind is not None:
            self.faults[f"{kind}:{entry.host} {1 + self._boots[entry.host]}"] = row

    def _other(self, entry: Entry) -> None:
        facts, host = entry.facts, entry.host
        match entry.what:
            case "boots" | "stops":
                power = "boots" if entry.what == "boots" else "off"
                self._boots[host] += entry.what == "boots"
                self._add(entry.at_s, host, "node", entry.what, entry.what, changes={"power": [host, power]})
            case "serves":
                self._add(entry.at_s, host, "node", "serves", "serves", changes={"power": [host, "on"]})
            case "backup":
                self._kept[host] = dict(self._memory.get(host, {}))
                self._add(entry.at_s, host, "node", "backup", "a backup is kept", facts=facts)
            case "restored":
                self._remembers(entry, "a backup is put back", self._kept.get(host, {}))
            case "copied":
                original = str(facts["original"])
                self._remembers(entry, f"a copy of {original} begins", self._memory.get(original, {}))
            case "clock":
                text = f"clock {_ahead(float(facts['ahead_s'] or 0))}"
                changes = {"ahead_s": [host, facts["ahead_s"]]}
                row = self._add(entry.at_s, host, "node", "clock", text, facts=facts, changes=changes)
                if not entry.at_s:
                    self.faults[f"{Fault.CLOCK_SKEW}:{host}"] = row
            case "admin":
                text = f"admin: {facts['act']}"
                group = "trace" if facts["act"] == "list" else "admin"
                self._add(entry.at_s, host, group, "admin", text, facts=facts)
            case "admin-told":
                done = f"admin is told: {facts['status'] if facts['status'] is not None else 'nothing'}"
                group = "trace" if facts["act"] == "list" else "admin"
                self._add(entry.at_s, host, group, "admin-told", done, facts=facts)
            case "mended":
                self._add(entry.at_s, None, "world", "mended", "all is mended; from here on both sides must agree")
            case "down" | "up":
                text = f"the broker is {entry.what}"
                self._add(
                    entry.at_s, BROKER, "mqtt", entry.what, text, facts=facts, changes={"power": [BROKER, entry.what]}
                )
            case _:
                self._add(entry.at_s, host if host in self.lanes else None, "node", entry.what, entry.what, facts=facts)

    def _remembers(self, entry: Entry, text: str, memory: dict[str, dict[str, Any]]) -> None:
        self._memory[entry.host] = dict(memory)
        changes = {"memory": [entry.host, list(memory.values())]}
        self._add(entry.at_s, entry.host, "node", entry.what, text, facts=entry.facts, changes=changes)

    # Broadcasts

    def _machine(self, client: object) -> str:
        return self._clients.get(str(client).removeprefix("handclasp-"), BROKER)

    def _published(self, entry: Entry) -> None:
        node, _, topic = str(entry.facts["topic"]).partition("/")
        subject = topic.rpartition("/")[2]
        lane = self._machine(node)
        text = f"{subject}, empty" if not entry.facts["bytes"] else subject
        group = "trace" if subject == "trace" else "mqtt"
        row = self._add(entry.at_s, BROKER, group, "published", text, facts=entry.facts)
        self.arrows.append(Arrow(group=group, text=text, from_row=row, from_lane=lane, to_row=row, to_lane=BROKER))

    def _linked_now(self, entry: Entry) -> None:
        lane = self._machine(entry.facts["client"])
        self._add(entry.at_s, lane, "trace", "linked", "has a link to the broker", facts=entry.facts)

    def _unlinked(self, entry: Entry) -> None:
        lane = self._machine(entry.facts["client"])
        text = f"its link to the broker is gone: {entry.facts['why']}"
        self._add(entry.at_s, lane, "trace", "unlinked", text, facts=entry.facts)


def _said(entry: Entry) -> str | None:
    """What a message says, in a few words."""
    facts = entry.facts
    if facts.get("kind") is None:
        return None
    reason = f", {facts['reason']}" if facts.get("reason") else ""
    return f"{facts['kind']}: {facts['says']}{reason}"


def _ahead(seconds: float) -> str:
    """How far a clock is off, in the unit that says it shortest."""
    for unit, in_s in (("d", 86400), ("h", 3600), ("min", 60)):
        if abs(seconds) >= 2 * in_s:
            return f"{seconds / in_s:+,.0f} {unit}"
    return f"{seconds:+.0f} s"
