"""Conformance: whatever becomes of a record is what some row of the protocol's tables does.

The tables say *which* rows there are; what each effect may do to a record is written here once more, by hand, as a
relation between the row before and the row after. So a node that takes a step which no table has is found, and so is
an effect that does more or less than its sentence says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from protocol.tables import DESTINATION_ACTS, DESTINATION_HEARS, SOURCE_ACTS, SOURCE_HEARS, Effect, State
from simulations.checks.facts import ACCEPTED, ACTIVE, ANNOUNCED, AWAITING, BY_PARTNER, CLOSED, PENDING, SOURCE, Check

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulations.host import Host
    from simulations.rows import Change, Row

_RECORD: Final = (
    "serial", "revision", "phase", "enabled", "reason", "their_revision", "their_phase", "their_enabled",
    "their_reason", "partner", "addressee", "owed", "proof", "expires_at", "ask_me", "hidden",
)  # fmt: skip
"""The columns that are the machine's record; `revision` to `reason` are this side, `their_…` the partner's."""

_MINE: Final = frozenset({"revision", "phase", "enabled", "reason"})
_THEIRS: Final = frozenset({"their_revision", "their_phase", "their_enabled", "their_reason"})


def _only(before: Row, after: Row, *changed: str) -> bool:
    return all(name in changed or getattr(before, name) == getattr(after, name) for name in _RECORD)


def _merged(before: Row, after: Row) -> bool:
    """Theirs is as it was, or was replaced as rule 2 allows: closed once, else by a higher revision."""
    if after.theirs == before.theirs:
        return True
    if before.their_phase is None:
        return after.their_phase is not None
    if before.their_phase == CLOSED:
        return False
    return after.their_phase == CLOSED or (after.their_revision or 0) > (before.their_revision or 0)


def _echoed(before: Row, after: Row) -> bool:
    """Rule 3: nothing, or not owed any more, or a jump past what I once said, which is owed."""
    same = (after.phase, after.enabled, after.reason) == (before.phase, before.enabled, before.reason)
    if after.revision == before.revision:
        return same and after.owed <= before.owed
    return same and after.revision > before.revision and bool(after.owed)


def _closes(reason: str, *, owed: bool | None = None) -> Callable[[Row, Row], bool]:
    """This side closes; `owed`: whether it is then, none: if there is an addressee."""

    def closes(before: Row, after: Row) -> bool:
        wanted = owed if owed is not None else after.addressee is not None
        return (
            _only(before, after, *_MINE, "owed")
            and after.mine == (before.revision + 1, CLOSED, 0, reason)
            and bool(after.owed) == wanted
        )

    return closes


def _closed_by_partner(before: Row, after: Row) -> bool:
    return (
        _only(before, after, *_MINE, *_THEIRS, "owed")
        and after.mine == (before.revision + 1, CLOSED, 0, BY_PARTNER)
        and after.their_phase == CLOSED
        and not after.owed
    )


def _taken(before: Row, after: Row) -> bool:
    return (
        _only(before, after, *_MINE, *_THEIRS, "owed", "partner")
        and (after.phase, after.enabled) == (AWAITING if before.ask_me else ACTIVE, 1)
        and after.revision > before.revision
        and after.partner is not None
        and after.their_phase == "accepted"
        and not after.owed
    )


def _taken_closed(before: Row, after: Row) -> bool:
    return (
        _only(before, after, *_MINE, *_THEIRS, "owed", "partner")
        and after.mine == (before.revision + 1, CLOSED, 0, BY_PARTNER)
        and after.partner is not None
        and after.their_phase == CLOSED
        and not after.owed
    )


def _settled(before: Row, after: Row) -> bool:
    theirs = after.theirs == before.theirs or (before.their_phase != CLOSED and after.their_phase == CLOSED)
    return _only(before, after, *_THEIRS, "owed") and theirs and after.owed <= before.owed


def _closed_restored(before: Row, after: Row) -> bool:
    return (
        _only(before, after, *_MINE, *_THEIRS, "owed")
        and (after.phase, after.enabled, after.reason) == (CLOSED, 0, "restored")
        and after.revision > before.revision
        and _merged(before, after)
        and bool(after.owed)
    )


def _switched(before: Row, after: Row) -> bool:
    return (
        _only(before, after, "revision", "enabled", "owed")
        and (after.revision, after.enabled) == (before.revision + 1, 1 - before.enabled)
        and bool(after.owed)
    )


def _begins(phase: str, *, reason: str | None = None, on: bool = False) -> Callable[[Row | None, Row], bool]:
    """A record begins anew: revision 1, and if there was one, under a higher serial or over an announcement."""

    def begins(before: Row | None, after: Row) -> bool:
        newer = before is None or after.serial > before.serial or (after.serial == before.serial and _is_open(before))
        return newer and after.mine == (1, phase, int(on), reason)

    return begins


def _is_open(before: Row) -> bool:
    return before.phase == ANNOUNCED


_offers = _begins(PENDING)
_announces = _begins(ANNOUNCED)
_entombs = _begins(CLOSED, reason=BY_PARTNER)
_entombs_restored = _begins(CLOSED, reason="restored")
_accepts = _begins("accepted", on=True)
_declines_code = _begins(CLOSED, reason="declined")

BECOMES: Final[dict[Effect, Callable[[Row, Row], bool]]] = {
    Effect.NOTHING: _only,
    Effect.NOTICE: _only,
    Effect.EXPIRE: _closes("expired"),
    Effect.TAKE: _taken,
    Effect.TAKE_CLOSED: _taken_closed,
    Effect.SETTLE_ANNOUNCED: lambda before, after: _only(before, after, "owed") and after.owed <= before.owed,
    Effect.SETTLE_UNTAKEN: lambda before, after: _only(before, after, "owed") and after.owed <= before.owed,
    Effect.ECHO: lambda before, after: _only(before, after, "revision", "owed") and _echoed(before, after),
    Effect.MERGE: lambda before, after: _only(before, after, *_THEIRS) and _merged(before, after),
    Effect.MERGE_ECHO: lambda before, after: (
        _only(before, after, "revision", "owed", *_THEIRS) and _merged(before, after) and _echoed(before, after)
    ),
    Effect.CLOSE_BY_PARTNER: _closed_by_partner,
    Effect.CLOSE_RESTORED: _closed_restored,
    Effect.SETTLE: _settled,
    Effect.WITHDRAW: _closes("withdrawn"),
    Effect.EXPIRE_NOW: _closes("expired"),
    Effect.RESTORE: _closes("restored"),
    Effect.APPROVE: lambda before, after: (
        _only(before, after, "revision", "phase", "owed")
        and (after.revision, after.phase) == (before.revision + 1, ACTIVE)
        and bool(after.owed)
    ),
    Effect.REFUSE: _closes("refused", owed=True),
    Effect.SWITCH_ON: lambda before, after: bool(after.enabled) and _switched(before, after),
    Effect.SWITCH_OFF: lambda before, after: not after.enabled and _switched(before, after),
    Effect.REMOVE: _closes("removed", owed=True),
    Effect.HIDE: lambda before, after: _only(before, after, "hidden") and bool(after.hidden),
    Effect.FORGET_OWED: lambda before, after: _only(before, after, "owed") and not after.owed,
    Effect.DECLINE: _closes("declined", owed=True),
    Effect.CANCEL: _closes("cancelled", owed=True),
}
"""What becomes of a record that stays."""

BEGINS: Final[dict[Effect, Callable[[Row | None, Row], bool]]] = {
    Effect.ANNOUNCE: lambda before, after: (
        _announces(before, after) and after.their_phase == PENDING and not after.owed
    ),
    Effect.ENTOMB: lambda before, after: _entombs(before, after) and after.their_phase == CLOSED and not after.owed,
    Effect.ENTOMB_RESTORED: lambda before, after: (
        _entombs_restored(before, after) and after.their_phase in {AWAITING, ACTIVE} and not after.owed
    ),
    Effect.INITIATE: lambda before, after: (
        _offers(before, after) and bool(after.owed) == (after.addressee is not None) and after.partner is None
    ),
    Effect.REISSUE: lambda before, after: (
        _offers(before, after)
        and bool(after.owed) == (after.addressee is not None)
        and after.partner is None
        and after.their_phase is None
    ),
    Effect.ACCEPT: lambda before, after: (
        _accepts(before, after) and bool(after.owed) and after.their_phase is None and after.proof is not None
    ),
    Effect.DECLINE_CODE: lambda before, after: (
        _declines_code(before, after) and bool(after.owed) and after.their_phase is None and after.proof is not None
    ),
}
"""What a record is that begins."""

_TABLES: Final = {"source": (SOURCE_HEARS, SOURCE_ACTS), "destination": (DESTINATION_HEARS, DESTINATION_ACTS)}

EFFECTS: Final[dict[tuple[str, State], tuple[Effect, ...]]] = {
    (role, state): tuple(dict.fromkeys(row.effect for table in tables for row in table if state in row.state))
    for role, tables in _TABLES.items()
    for state in State
}
"""For each role and state, the effects that some row of the tables has there."""


def explained_by(change: Change, *, now: float) -> str | None:
    """The effect that a change is, or `purge`; None if no row of the tables does this."""
    before, after = change.before, change.after
    if after is None:
        assert before is not None  # noqa: S101 - a change is of something
        if before.role == SOURCE and before.phase == CLOSED:
            return Effect.FORGET_RECORD.name
        return "purge" if _may_be_purged(before, now) else None
    state = State(before.phase) if before is not None else State.NO_RECORD
    for effect in EFFECTS[after.role, state]:
        if effect in BEGINS:
            if BEGINS[effect](before, after):
                return effect.name
        elif before is not None and effect in BECOMES and BECOMES[effect](before, after):
            return effect.name
    return None


def _status_of(row: Row) -> str:
    """What people are shown (protocol section 4, "The status that people see")."""
    if row.phase in {CLOSED, PENDING}:
        return row.phase
    if row.phase == ANNOUNCED:
        return "invited"
    if row.phase == ACCEPTED and row.their_phase in {None, PENDING}:
        return "accepting"
    if row.phase == AWAITING or (row.phase == ACCEPTED and row.their_phase == AWAITING):
        return "awaiting-approval"
    switched_off = not row.enabled, row.their_phase is not None and not row.their_enabled
    return {
        (False, False): "active",
        (True, False): "deactivated-here",
        (False, True): "deactivated-there",
        (True, True): "deactivated-both",
    }[switched_off]


def _may_be_purged(before: Row, now: float) -> bool:
    """Protocol section 4, "Tombstones": a destination's own stay for good."""
    if before.phase != CLOSED or not before.hidden or before.owed:
        return False
    if before.role == SOURCE:
        return before.expires_at < now
    return before.announced_prefix is not None and before.proof is None and before.reason == BY_PARTNER


class Conformance(Check):
    """Every observed transition is a row of the tables."""

    def changed(self, host: Host, change: Change) -> None:
        """See `Observer`."""
        if explained_by(change, now=host.decided_at) is None:
            before, after = change.before, change.after
            was = self.called(host, before) if before is not None else f"{host.name} had no record"
            became = "is gone" if after is None else f"became {self.called(host, after)}"
            self.violated(f"no row of the tables does this: {was}; it {became}.")
        if change.after is not None and change.after.status != _status_of(change.after):
            self.violated(f"{self.called(host, change.after)} is listed as {change.after.status}.")
