"""Who is told what happens in a world: the trace, then every observer, in this order."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, Final

from simulations.core.loop import OWNER
from simulations.observer import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from node.causes import Cause
    from node.ports import HttpAnswer, Publication
    from simulations.admins import Asked
    from simulations.calls import Call
    from simulations.host import Host
    from simulations.rows import Change, UnitDone
    from simulations.trace import Trace
    from simulations.wire import Said


_TOLD: Final = {name: ignored for name, ignored in vars(Observer).items() if not name.startswith("_")}
"""What observers may be told, and what does nothing about it."""


class Told:
    """Hands on what the parts of a world tell; see `simulations.observer.Observer` for what each means."""

    def __init__(self, trace: Trace, *, label: Callable[[bytes], str], gave_up: Callable[[str], None]) -> None:
        """Tell nobody but the trace yet.

        Args:
            trace: of the world.
            label: gives a connection its short name.
            gave_up: is told of a machine that takes what it was last told for no answer.
        """
        self._trace = trace
        self._label = label
        self._gave_up = gave_up
        self._listeners: dict[str, list[Callable[..., None]]] = {}
        self.listen([])

    def listen(self, observers: Sequence[Observer]) -> None:
        """Tell these from now on, each what it wants to hear: what it has a method of its own for."""
        self._listeners = {name: [] for name in _TOLD}
        for observer in observers:
            kind = type(observer)
            for name, ignored in _TOLD.items():
                if getattr(kind, name) is not ignored:
                    self._listeners[name].append(getattr(observer, name))

    def booted(self, host: Host) -> None:
        """A machine is on."""
        for told in self._listeners["booted"]:
            told(host)

    def crashed(self, host: Host) -> None:
        """A machine lost its power."""
        for told in self._listeners["crashed"]:
            told(host)

    def rewound(self, host: Host, *, marked: bool) -> None:
        """A machine's memory is not the continuation of what it was."""
        for told in self._listeners["rewound"]:
            told(host, marked=marked)

    def committed(self, host: Host, pending: Sequence[UnitDone]) -> None:
        """A transaction is durable, and nobody knows yet."""
        for result, changes, host.decided_at in pending:
            for change in changes:
                row = change.after or change.before
                assert row is not None  # noqa: S101 - a change is of something
                self._trace.add(host.name, "commit", **_commit_facts(self._label(row.connection), change))
                for told in self._listeners["changed"]:
                    told(host, change)
            for told in self._listeners["unit"]:
                told(host, result, changes)
        for told in self._listeners["committed"]:
            told(host)

    def commit_failed(self, host: Host, error: Exception, unit_count: int) -> None:
        """Nothing of a transaction was kept."""
        self._trace.add(host.name, "no-commit", units=unit_count, error=type(error).__name__)
        for told in self._listeners["commit_failed"]:
            told(host, error)

    def said(self, by: str, said: Said) -> None:
        """See `NetworkOverseer`."""
        for told in self._listeners["said"]:
            told(by, said)

    def passed(self, data: bytes) -> None:
        """See `NetworkOverseer`."""
        for told in self._listeners["passed"]:
            told(data)

    def arrived(self, at: str, call: Call) -> None:
        """See `NetworkOverseer`."""
        for told in self._listeners["arrived"]:
            told(at, call)

    def told_answer(self, call: Call) -> None:
        """See `NetworkOverseer`."""
        for told in self._listeners["told_answer"]:
            told(call)

    def failed(self, call: Call, cause: Cause) -> None:
        """See `NetworkOverseer`."""
        for told in self._listeners["failed"]:
            told(call, cause)

    def attempted(self, host: Host, cause: Cause | None) -> None:
        """A node counts a try to deliver."""
        if cause is not None:
            self._gave_up(host.name)
        for told in self._listeners["attempted"]:
            told(host, cause)

    def heard(self, host: Host, kind: str, result: str) -> None:
        """A node counts an envelope."""
        self._trace.add(host.name, "hears", kind=kind, result=result)
        for told in self._listeners["heard"]:
            told(host, kind, result)

    def logged(self, event: dict[str, object]) -> None:
        """A node writes a line of its log."""
        owner = OWNER.get()
        name = owner.name if owner is not None else "world"
        given = event.get("exc_info")
        error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given else None
        for told in self._listeners["logged"]:
            told(name, event, error)

    def asked(self, host: Host, asked: Asked) -> None:
        """An admin asks."""
        self._trace.add(host.name, "admin", act=asked.act, about=asked.sys_id and asked.sys_id[:8], key=asked.key)
        for told in self._listeners["asked"]:
            told(host, asked)

    def answered(self, host: Host, asked: Asked, answer: HttpAnswer | None) -> None:
        """An admin has an answer, or gave up waiting."""
        status = answer.status if answer is not None else None
        self._trace.add(host.name, "admin-told", act=asked.act, status=status)
        for told in self._listeners["answered"]:
            told(host, asked, answer)

    def published(self, client_id: str, link: int, publication: Publication) -> None:
        """The broker has taken a message."""
        self._trace.add("broker", "published", link=link, **_publication_facts(publication))
        for told in self._listeners["published"]:
            told(client_id, link, publication)

    def linked(self, client_id: str, link: int) -> None:
        """A client of the broker has a link."""
        self._trace.add("broker", "linked", client=client_id, link=link)

    def unlinked(self, client_id: str, link: int, why: str) -> None:
        """It has it no more."""
        self._trace.add("broker", "unlinked", client=client_id, link=link, why=why)


def _commit_facts(label: str, change: Change) -> dict[str, str | int | bool | None]:
    row = change.after or change.before
    assert row is not None  # noqa: S101 - a change is of something
    facts: dict[str, str | int | bool | None] = {"connection": label, "role": row.role, "serial": row.serial}
    if change.after is None:
        return {**facts, "gone": True}
    return {
        **facts,
        "mine": f"{row.phase} {row.revision}{' on' if row.enabled else ''}",
        "reason": row.reason,
        "theirs": None
        if row.their_phase is None
        else f"{row.their_phase} {row.their_revision}{' on' if row.their_enabled else ''}",
        "owed": bool(row.owed),
        "seq": row.seq,
    }


def _publication_facts(publication: Publication) -> dict[str, str | int]:
    return {
        "topic": publication.topic.removeprefix("handclasp/v1/nodes/"),
        "bytes": len(publication.payload),
        "digest": hashlib.blake2b(publication.payload, digest_size=4).hexdigest(),
    }
