"""What trials look at sees what is wrong: two sides that do not agree, a log with a hole, an event that nobody saw."""

import asyncio

import pytest
from msgspec.structs import replace

from node.connections.stored import Connection, Names
from node.delivery.events import decode_event, status_event, status_topic
from node.free_ports import is_free
from protocol.modes import Mode
from protocol.records import DestinationRecord, SourceRecord, reason_of, status_of
from protocol.vocabulary import Phase, Reason, Role, Side
from scripts.trials.agreeing import disagreement
from scripts.trials.logs import by_topic, compare, log_faults, not_kept
from scripts.trials.ports import lasting_ports
from scripts.trials.trial import NotHeldError, during, until

NODE, SYS_ID = "node-a", "0" * 32
PENDING, ANNOUNCED = Side(1, Phase.PENDING), Side(1, Phase.ANNOUNCED)
ACTIVE, AWAITING = Side(2, Phase.ACTIVE, enabled=True), Side(2, Phase.AWAITING, enabled=True)
ACCEPTED = Side(1, Phase.ACCEPTED, enabled=True)


def closed(reason, revision=3):
    return Side(revision, Phase.CLOSED, reason=reason)


def connection(record, *, seq=0):
    return Connection(
        sys_id=SYS_ID, connection_id=bytes(16), source_key=bytes(32), record=record, mode=Mode.SCRIPT, seq=seq,
        names=Names(name="n", local_short_name="a", remote_short_name="b"), created_at_ms=0, changed_at_ms=0,
    )  # fmt: skip


def source(mine, theirs=None, serial=5):
    return connection(SourceRecord(serial=serial, mine=mine, theirs=theirs, expires_at=9))


def destination(mine, theirs=None, serial=5):
    return connection(DestinationRecord(serial=serial, mine=mine, theirs=theirs, expires_at=9))


AGREE = [
    (source(PENDING), None),
    (source(PENDING), destination(ANNOUNCED, PENDING)),
    (source(PENDING, serial=6), destination(ANNOUNCED, PENDING)),
    (source(PENDING, serial=6), destination(closed(Reason.REPLACED))),
    (source(ACTIVE, ACCEPTED), destination(ACCEPTED, ACTIVE)),
    (source(AWAITING, ACCEPTED), destination(ACCEPTED, AWAITING)),
    (source(closed(Reason.REMOVED)), destination(closed(Reason.BY_PARTNER))),
    (source(closed(Reason.WITHDRAWN)), None),
    (None, destination(closed(Reason.UNKNOWN))),
    (None, destination(ANNOUNCED, PENDING)),
]

DISAGREE = [
    (source(ACTIVE, ACCEPTED), None),
    (source(AWAITING, ACCEPTED), None),
    (None, destination(ACCEPTED, ACTIVE)),
    (source(PENDING), destination(ACCEPTED)),
    (source(PENDING), destination(closed(Reason.DECLINED))),
    (source(ACTIVE, ACCEPTED), destination(ACCEPTED, AWAITING)),
    (source(ACTIVE, Side(2, Phase.ACCEPTED)), destination(ACCEPTED, ACTIVE)),
    (source(ACTIVE, ACCEPTED), destination(ANNOUNCED, PENDING)),
    (source(ACTIVE, ACCEPTED), destination(closed(Reason.REMOVED))),
    (source(closed(Reason.REMOVED)), destination(ACCEPTED, ACTIVE)),
    (source(closed(Reason.WITHDRAWN)), destination(ANNOUNCED, PENDING)),
    (source(closed(Reason.BY_PARTNER)), destination(closed(Reason.BY_PARTNER))),
    (source(ACTIVE, ACCEPTED, serial=6), destination(closed(Reason.REPLACED))),
    (source(PENDING, serial=6), destination(ACCEPTED)),
    (source(PENDING), destination(closed(Reason.CANCELLED), serial=6)),
]


@pytest.mark.parametrize(("one", "other"), AGREE)
def test_two_sides_that_agree(one, other):
    assert disagreement(one, other) == ""


@pytest.mark.parametrize(("one", "other"), DISAGREE)
def test_two_sides_that_do_not_agree_are_told(one, other):
    assert disagreement(one, other)


def test_a_source_waits_for_the_expiry_of_what_the_destination_declined_and_forgot():
    assert disagreement(source(PENDING), destination(closed(Reason.DECLINED)), forgotten=True) == ""
    assert disagreement(source(ACTIVE, ACCEPTED), destination(closed(Reason.REMOVED)), forgotten=True)


def event(record, seq, **more):
    data = {
        "node": NODE, "connection": SYS_ID, "role": Role.SOURCE, "seq": seq, "status": status_of(record),
        "phase": record.mine.phase, "reason": reason_of(record), "enabled_here": record.mine.enabled,
        "enabled_there": None, "mode": Mode.SCRIPT, "revision": record.mine.revision, "partner": None, "name": "n",
        "local_short_name": "a", "remote_short_name": "b",
    }  # fmt: skip
    event_id = f"00000000-0000-4000-8000-{seq:012}"
    return decode_event(status_event(event_id=event_id, at=1.0 * seq, **(data | more)))


RECORD = source(ACTIVE, ACCEPTED).record
LOG = [event(source(PENDING).record, 1), event(source(AWAITING, ACCEPTED).record, 2), event(RECORD, 3)]
PRESENT = replace(connection(RECORD), seq=3)


def test_a_whole_log_has_no_fault():
    assert log_faults([PRESENT], {SYS_ID: LOG}) == []


@pytest.mark.parametrize(
    "logs",
    [
        {},
        {SYS_ID: LOG[:2]},
        {SYS_ID: [LOG[0], LOG[2]]},
        {SYS_ID: [LOG[0], LOG[1], LOG[1], LOG[2]]},
        {SYS_ID: [*LOG[:2], event(source(PENDING).record, 3)]},
        {SYS_ID: LOG, "1" * 32: LOG},
    ],
    ids=["no log", "last missing", "gap", "doubled", "not the present", "ids twice"],
)
def test_a_log_that_is_not_whole_is_told(logs):
    assert log_faults([PRESENT], logs)


def view(side, seq, status="active"):
    mine = {"phase": side.phase.value, "enabled": side.enabled, "revision": side.revision, "reason": None}
    return {"sys_id": SYS_ID, "seq": seq, "status": status, "mine": mine, "name": "n"}


def test_what_an_admin_was_answered_must_stand_in_the_log():
    assert not_kept([view(ACTIVE, 3), view(ANNOUNCED, 1, "invited")], {SYS_ID: LOG}) == []
    for lost in (view(ACTIVE, 4), view(ACTIVE, 2), view(Side(3, Phase.ACTIVE, enabled=True), 3), view(ACTIVE, 0)):
        assert len(not_kept([lost], {SYS_ID: LOG})) == 1


TOPIC = status_topic(NODE, SYS_ID)


def seen(*numbers):
    return compare({TOPIC: [LOG[number - 1] for number in numbers]}, by_topic({SYS_ID: LOG}))


def test_what_a_subscriber_saw_is_held_against_the_logs():
    for numbers, repeats, reruns, gaps, faults, unfinished in (
        ((1, 2, 3), 0, 0, 0, 0, 0),
        ((1, 1, 2, 3, 3), 2, 0, 0, 0, 0),
        ((1, 2, 1, 2, 3), 1, 1, 0, 0, 0),
        ((3,), 0, 0, 2, 0, 0),
        ((1, 3), 0, 0, 1, 0, 0),
        ((1, 3, 2), 0, 1, 0, 1, 0),
        ((1, 2), 0, 0, 0, 0, 1),
        ((), 0, 0, 0, 0, 1),
    ):
        found = seen(*numbers)
        told = (found.repeats, found.reruns, found.gaps, len(found.faults), len(found.unfinished))
        assert (numbers, *told) == (numbers, repeats, reruns, gaps, faults, unfinished)
        assert found.events == 3


def test_an_event_that_no_log_holds_is_a_fault():
    for alien in (event(RECORD, 3, name="another"), event(RECORD, 4)):
        assert compare({TOPIC: [*LOG, alien]}, by_topic({SYS_ID: LOG})).faults


def test_lasting_ports_are_free_and_none_of_those_that_connections_get():
    ports = lasting_ports(20)
    assert len(set(ports)) == 20
    assert all(20_000 <= port < 32_768 and is_free(port) for port in ports)


async def test_waiting_for_what_never_comes_says_what_is_missing():
    async def look():
        return "the other one"

    with pytest.raises(NotHeldError, match="not within 0 s: the other one"):
        await until(look, within_s=0)


async def test_the_first_of_several_failures_is_told_with_its_round():
    async def fail():
        raise NotHeldError("lost")

    with pytest.raises(NotHeldError, match="round 7: lost"), during("round 7"):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())
