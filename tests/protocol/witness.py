"""A witness of one connection: it is shown every record after every step, and says what must never have happened.

It knows the two facts that no record holds: which acts people really did, and what the source once stood for.

A restored backup takes some of that away, and only what the protocol says (section 4, "restore"): records begin again
from the image, what was cleared by an echo may be forgotten by the one who echoed it, and a destination of an older
code may still be active beside one of a newer code until the next resync. A *silent* restore (a copied file, by which
codes of the image live again) also lets one code be used twice. Both must end in agreement all the same.
"""

from dataclasses import dataclass, field

from protocol.records import DestinationRecord, SourceRecord, Status, status_of
from protocol.vocabulary import Phase, Reason

TAKEN = {Phase.AWAITING, Phase.ACTIVE}


@dataclass(kw_only=True)
class Witness:
    """What is known of one connection, from the beginning.

    `parted` holds (key, serial) of every destination whose admin accepted or declined that code; `accepted` those
    that accepted; `approved` the serials that the source's admin approved; `reasons` why each code was closed at the
    source; `partners` who took which code; `out_of_reach` the keys of nodes that have no URL.
    """

    source_key: bytes
    source: SourceRecord | None = None
    destinations: dict[bytes, DestinationRecord | None] = field(default_factory=dict)
    accepted: set[tuple[bytes, int]] = field(default_factory=set)
    parted: set[tuple[bytes, int]] = field(default_factory=set)
    approved: set[int] = field(default_factory=set)
    dead: set[int] = field(default_factory=set)
    shut: set[int] = field(default_factory=set)
    reasons: set[tuple[int, Reason]] = field(default_factory=set)
    partners: set[tuple[bytes, int]] = field(default_factory=set)
    addressee: bytes | None = None
    serial: int = 0
    was_active: set[tuple[bytes, int]] = field(default_factory=set)
    is_gone: bool = False
    is_restored: bool = False
    is_silently_restored: bool = False
    out_of_reach: frozenset[bytes] = frozenset()

    def remember(self, key, record, *, silently: bool) -> None:
        """The node with that key has only an older memory of its record; whatever it knew since is lost."""
        self.is_restored = True
        self.is_silently_restored = self.is_silently_restored or silently
        if key == self.source_key:
            self.source, self.is_gone = record, record is None and (self.is_gone or self.source is not None)
        else:
            self.destinations[key] = record

    def look(self, source, destinations, *, now: float, may_go=frozenset()) -> None:
        """Judge one step; `now` is the source's clock, `may_go` the keys of whoever lets it go in this step."""
        self._look_at_source(source, destinations, now, forgot=self.source_key in may_go)
        for key, after in destinations.items():
            self._look_at_destination(key, after, source, forgot=key in may_go)
        self.source, self.destinations = source, dict(destinations)
        self._nobody_is_active_without_right()

    def _look_at_source(self, after, destinations, now, *, forgot) -> None:
        before = self.source
        if after is None:
            assert before is None or forgot, "the source's record went by itself"
            self.is_gone = self.is_gone or before is not None
            return
        assert not self.is_gone, "a forgotten connection came back at the source"
        self.serial, self.addressee = max(self.serial, after.serial), after.addressee
        if after.partner is not None:
            self.partners.add((after.partner, after.serial))
        if before is not None:
            only_forward(before, after)
            if before.serial != after.serial:
                assert before.partner is None, "a code that was taken was replaced"
                self.dead.add(before.serial)
            elif before.partner is not None:
                assert after.partner == before.partner, "the partner was exchanged"
            if is_cleared(before, after) and not forgot and not self.is_restored:
                told = destinations.get(after.recipient)
                assert knows(told, after), f"nothing owed any more, but the destination holds {told}"
        if after.mine.phase is Phase.CLOSED:
            self._a_source_closed(before, after)
        elif after.mine.phase in TAKEN:
            if before is None or before.serial != after.serial or before.mine.phase not in TAKEN:
                is_dead = after.serial in self.dead | self.shut
                assert not is_dead or self.is_silently_restored, "a dead code was taken"
                assert now < after.expires_at, "an expired code was taken"
            assert (after.partner, after.serial) in self.accepted, "taken without the other admin's act"
            if after.mine.phase is Phase.ACTIVE:
                assert not after.ask_me or after.serial in self.approved, "active without approval"
                self.was_active.add((after.partner, after.serial))

    def _a_source_closed(self, before, after) -> None:
        self.shut.add(after.serial)
        self.reasons.add((after.serial, after.mine.reason))
        if after.partner is None:
            self.dead.add(after.serial)
        if after.mine.reason is Reason.BY_PARTNER and (before is None or before.mine.phase is not Phase.CLOSED):
            assert after.partner is not None
            known = (after.partner, after.serial) in self.parted
            assert known or self.is_silently_restored, "closed by one who neither accepted nor declined this code"

    def _look_at_destination(self, key, after, source, *, forgot) -> None:
        before = self.destinations.get(key)
        if after is None:
            assert before is None or forgot, "a destination's record went"
            return
        if before is None:
            return
        only_forward(before, after)
        if is_cleared(before, after) and not forgot and not self.is_restored:
            assert knows_of(source, key, after), f"{key[:1]} owes nothing any more, but the source holds {source}"
        is_open = before.mine.phase in {Phase.ANNOUNCED, Phase.ACCEPTED}
        if before.serial == after.serial and is_open and after.mine.reason is Reason.BY_PARTNER:
            told = after.theirs.reason
            assert self._is_true(told, key, after.serial), f"closed: {told}, which the source never was"

    def _is_true(self, told, key, serial) -> bool:
        """Whether the source had that reason to be closed for this destination and code, at some time."""
        match told:
            case Reason.BAD_PROOF:
                return False  # everybody here makes good ones
            case Reason.USED:
                return any(taken == serial and partner != key for partner, taken in self.partners)
            case Reason.NOT_FOR_YOU:
                return self.addressee not in {None, key}
            case Reason.REPLACED:
                return serial < self.serial
            case Reason.UNKNOWN:
                return self.is_gone or self.is_restored
            case _:
                return (serial, told) in self.reasons

    def _nobody_is_active_without_right(self) -> None:
        active = {
            (key, record.serial)
            for key, record in self.destinations.items()
            if record is not None and record.mine.phase is Phase.ACCEPTED and holds_active(record)
        }
        if not self.is_silently_restored:
            serials = [serial for _, serial in active]
            assert len(set(serials)) == len(serials), "two destinations are active by one code"
        assert len(active) <= 1 or self.is_restored, "two destinations are active"
        assert active <= self.accepted, "active without its own admin's act"
        assert active <= self.was_active, "active, but the source never was"

    def did_part(self, key: bytes, serial: int) -> bool:
        """Whether that destination's admin accepted or declined that code, and no restore made it forget."""
        return (key, serial) in self.parted and not self.is_restored

    def agreed(self) -> None:
        """Everything was delivered and stated once more: both sides say the same and nobody waits for ever."""
        source = self.source
        for key, record in self.destinations.items():
            if record is None or record.mine.phase is Phase.CLOSED:
                continue
            assert source is not None, f"the source is gone, and {key[:1]} is {status_of(record)}"
            assert status_of(record) is not Status.ACCEPTING, "it waits for ever"
            if record.mine.phase is Phase.ANNOUNCED:
                assert source.mine.phase is Phase.PENDING, "invited to what is no longer offered"
                continue
            assert source.partner == key, "another is the source's partner"
            assert (source.serial, source.mine) == (record.serial, record.theirs), "what the destination holds is old"
            assert source.theirs == record.mine, "what the source holds is old"
            if source.mine.phase is Phase.ACTIVE:
                mirrored = {Status.DEACTIVATED_HERE: Status.DEACTIVATED_THERE}
                mirrored |= {there: here for here, there in mirrored.items()}
                assert status_of(source) is mirrored.get(status_of(record), status_of(record))
        if source is not None and source.mine.phase in TAKEN:
            partner = self.destinations[source.partner]
            if partner is None and self.is_restored and source.partner in self.out_of_reach:
                return  # nobody can tell it what it forgot, and it does not know whom to ask
            assert partner is not None, "the source's partner has no record"
            assert partner.mine.phase is Phase.ACCEPTED, "the source stands alone"


def only_forward(before, after) -> None:
    """What holds for every change of a record, whoever it belongs to."""
    assert after.serial >= before.serial, "the serial went back"
    if after.serial > before.serial:
        return
    assert after.mine.revision >= before.mine.revision, "the revision went back"
    if before.mine.phase is Phase.CLOSED:
        assert after.mine == before.mine, "what was closed came back"
    elif after.mine != before.mine:
        assert after.mine.revision > before.mine.revision or before.mine.phase is Phase.ANNOUNCED, "changed in silence"
    if before.theirs is not None and before.theirs.phase is Phase.CLOSED:
        assert after.theirs == before.theirs, "the partner's closed was overwritten"
    elif before.theirs is not None and after.theirs is not None and after.theirs.phase is not Phase.CLOSED:
        assert after.theirs.revision >= before.theirs.revision, "an older word of the partner was taken"


def is_cleared(before, after) -> bool:
    """Whether the same word of mine was owed before and is not now."""
    return before.owed and not after.owed and (before.serial, before.mine) == (after.serial, after.mine)


def holds(record, side) -> bool:
    return record.theirs is not None and record.theirs.echo == side.echo


def holds_active(record) -> bool:
    return record.theirs is not None and record.theirs.phase is Phase.ACTIVE


def knows(destination, source) -> bool:
    """Whether the destination has no need to be told what this source is."""
    if destination is None or destination.serial < source.serial:
        # refused by a cap, it echoes the invitation and keeps nothing; what it keeps nothing of is closed to it
        return source.mine.phase in {Phase.PENDING, Phase.CLOSED}
    if destination.serial > source.serial:
        return source.mine.phase is Phase.CLOSED
    return destination.mine.phase is Phase.CLOSED or holds(destination, source.mine)


def knows_of(source, key, destination) -> bool:
    """Whether the source has no need to be told what this destination is."""
    if source is None or source.serial != destination.serial:
        return destination.mine.phase is Phase.CLOSED
    if source.mine.phase is Phase.CLOSED or holds(source, destination.mine):
        return True
    stands_for_another = (source.partner or source.addressee) not in {None, key}
    return stands_for_another and destination.mine.phase is Phase.CLOSED
