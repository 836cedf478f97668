"""What the broadcaster does when things fail between two steps: a broker in memory that fails on command."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
import structlog
from structlog.testing import capture_logs

from node.delivery import broadcast, self_test
from node.delivery.broadcast import Broadcaster
from node.delivery.events import parse_topic
from node.ports import BrokerDownError, Publication
from node.real_ports import SystemClock, SystemEntropy
from tests.node.mqtt_world import NODE, ListOutbox, eventually, status


@pytest.fixture(autouse=True)
def log():
    structlog.reset_defaults()
    with capture_logs() as events:
        yield events


class Middle:
    """Entropy whose fraction is always in the middle."""

    token = staticmethod(SystemEntropy().token)

    @staticmethod
    def fraction():
        return 0.5


class MemoryBroker:
    """The Broker port and its one link; `before_ack` may raise, or hang, after the broker has the message."""

    def __init__(self):
        self.taken = []
        self.wills = []
        self.is_up = True
        self.before_ack = None

    @contextlib.asynccontextmanager
    async def connect(self, client_id, *, will=None):
        assert client_id == f"handclasp-{NODE}"
        if not self.is_up:
            raise BrokerDownError("It is down.")
        self.wills.append(will)
        yield self

    async def publish(self, publication):
        self.taken.append(publication)
        if self.before_ack is not None:
            await self.before_ack(publication)

    async def subscribe(self, topic_filter):
        pass

    async def messages(self):
        for publication in list(self.taken):
            yield publication
        await asyncio.Event().wait()

    async def lost(self):
        await asyncio.Event().wait()

    def seqs(self):
        return [json.loads(publication.payload)["data"].get("seq") for publication in self.taken]

    def states(self):
        return [json.loads(publication.payload)["data"].get("state") for publication in self.taken]


@pytest.fixture
def broker():
    return MemoryBroker()


@pytest.fixture
def outbox():
    return ListOutbox()


@contextlib.asynccontextmanager
async def broadcasting(broker, outbox):
    made = Broadcaster(broker=broker, outbox=outbox, clock=SystemClock(), entropy=Middle, node=NODE)
    outbox.on_add = made.wake
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_row_whose_acknowledgement_was_lost_is_sent_again_as_it_was(broker, outbox):
    async def fail_once(publication):
        if publication.topic.endswith("/status") and json.loads(publication.payload)["data"]["seq"] == 3:
            broker.before_ack = None
            raise BrokerDownError("The link broke.")

    broker.before_ack = fail_once
    for seq in range(1, 6):
        outbox.add(*status(seq))
    async with broadcasting(broker, outbox):
        await eventually(lambda: not outbox.rows)
    assert broker.seqs() == [None, 1, 2, 3, None, 3, 4, 5, None]
    assert len({publication.payload for publication in broker.taken if b'"seq": 3' in publication.payload}) == 1


async def test_rows_that_were_acknowledged_are_deleted_before_the_next_link(broker, outbox):
    async def fail_at_three(publication):
        if b'"seq": 3' in publication.payload:
            broker.is_up = False
            raise BrokerDownError("The link broke.")

    broker.before_ack = fail_at_three
    for seq in range(1, 6):
        outbox.add(*status(seq))
    async with broadcasting(broker, outbox) as made:
        await eventually(lambda: made.last_error == "It is down.")
        assert [row.n for row in outbox.rows] == [3, 4, 5]


async def test_one_message_is_in_flight_at_a_time(broker, outbox):
    flying, most = 0, 0

    async def count(_publication):
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        flying -= 1

    broker.before_ack = count
    for seq in range(1, 30):
        outbox.add(*status(seq))
    async with broadcasting(broker, outbox):
        await eventually(lambda: not outbox.rows)
    assert most == 1


async def test_present_statuses_are_told_after_the_outbox_and_never_before_a_row_of_theirs(broker, outbox):
    for key in range(1, 4):
        outbox.live[key] = status(9, connection=f"{key:032x}")
    outbox.add(*status(8, connection=f"{2:032x}"))

    async def add_while_healing(publication):
        if publication.topic == outbox.live[1][0]:
            broker.before_ack = None
            outbox.add(*status(10, connection=f"{1:032x}"), key=1)

    broker.before_ack = add_while_healing
    async with broadcasting(broker, outbox) as made:
        await eventually(lambda: made.counts.healed == 3 and not outbox.rows)
    connections = [parse_topic(publication.topic).connection for publication in broker.taken]
    told = list(zip(connections, broker.seqs(), strict=True))
    assert [seq for _, seq in told][1:3] == [8, 9], "the outbox first"
    assert [seq for connection, seq in told if connection == f"{1:032x}"] == [9, 10], "seq never runs backwards"


async def test_statuses_are_told_again_in_portions_with_a_rest_between(broker, outbox, monkeypatch):
    monkeypatch.setattr(broadcast, "HEAL_PAUSE_S", 0.2)
    for key in range(1, 121):
        outbox.live[key] = status(1, connection=f"{key:032x}")
    async with broadcasting(broker, outbox) as made:
        await eventually(lambda: made.counts.healed == broadcast.HEAL_ROWS_MAX)
        began = asyncio.get_running_loop().time()
        outbox.add(*status(1))
        await eventually(lambda: not outbox.rows)
        assert made.counts.healed == broadcast.HEAL_ROWS_MAX, "a new row does not hasten it"
        await eventually(lambda: made.counts.healed == 120)
        assert asyncio.get_running_loop().time() - began >= 0.3


async def test_a_store_that_fails_once_is_told_and_tried_again(broker, outbox, log):
    pending, failures = outbox.pending, [OSError("disk")]

    async def failing(after_n, limit):
        if failures:
            raise failures.pop()
        return await pending(after_n, limit)

    outbox.pending = failing
    outbox.add(*status(1))
    async with broadcasting(broker, outbox) as made:
        await eventually(lambda: not outbox.rows)
        assert made.last_error is None
    assert [event["event"] for event in log if event["log_level"] == "error"] == ["broadcast_failed"]


async def test_a_store_that_fails_on_every_link_is_not_blamed_on_another_process(broker, outbox, log):
    async def failing(_after_n, _limit):
        raise OSError

    outbox.pending = failing
    async with broadcasting(broker, outbox) as made:
        await eventually(lambda: made.counts.links > 3 and made.last_error)
        assert "OSError" in made.last_error
    assert "node_id_in_use" not in {event["event"] for event in log}


@pytest.mark.parametrize(("losses", "warnings"), [(2, 0), (3, 1), (5, 1), (6, 2)])
async def test_each_third_link_in_a_row_that_is_lost_at_once_is_suspicious(
    broker, outbox, log, monkeypatch, losses, warnings
):
    monkeypatch.setattr(broadcast, "BACKOFF_S_MAX", 0.05)
    left = losses

    async def fail(_publication):
        nonlocal left
        left -= 1
        if left < 0:
            broker.before_ack = None
        else:
            raise BrokerDownError("The link broke.")

    broker.before_ack = fail
    async with broadcasting(broker, outbox) as made:
        await eventually(lambda: made.connected)
    assert [event["event"] for event in log].count("node_id_in_use") == warnings


async def test_an_old_presence_is_not_taken_for_the_new_one(broker, outbox, log, monkeypatch):
    monkeypatch.setattr(self_test, "SELF_TEST_S_MAX", 0.1)

    async def only_old_ones():
        yield Publication(topic=f"handclasp/v1/nodes/{NODE}/presence", payload=b"{}", retain=True)
        await asyncio.Event().wait()

    broker.messages = only_old_ones
    async with broadcasting(broker, outbox) as made:
        await eventually(lambda: made._self_tested)
    assert "broadcasts_not_seen" in {event["event"] for event in log}


async def test_tries_are_spaced_out_up_to_15_s_and_a_link_that_lasts_starts_over(broker, outbox, monkeypatch):
    waits, sleep = [], asyncio.sleep

    async def note(delay_s):
        waits.append(delay_s)
        if len(waits) == 9:
            broker.is_up = True
        await sleep(0)

    async def fail(_publication):
        monkeypatch.setattr(broadcast, "SHORT_LINK_S", 0)
        broker.is_up = len(waits) < 9
        broker.before_ack = None
        raise BrokerDownError("The link broke.")

    broker.is_up, broker.before_ack = False, fail
    monkeypatch.setattr(broadcast.asyncio, "sleep", note)
    async with broadcasting(broker, outbox):
        async with asyncio.timeout(5):
            while len(waits) < 11:
                await sleep(0)
    assert waits[:9] == pytest.approx([0.75 * limit for limit in (0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15, 15)])
    assert waits[9:11] == pytest.approx([0.75 * 0.2, 0.75 * 0.4])


async def test_a_stop_says_offline_even_in_the_middle_of_a_publish(broker, outbox):
    async def hang(publication):
        if publication.topic.endswith("/status"):
            await asyncio.Event().wait()

    broker.before_ack = hang
    outbox.add(*status(1))
    async with broadcasting(broker, outbox):
        await eventually(lambda: 1 in broker.seqs())
    assert broker.states() == ["online", None, "offline"]
    assert len(outbox.rows) == 1
    assert json.loads(broker.wills[0].payload)["data"]["state"] == "lost"
    assert broker.wills[0].retain


async def test_a_stop_does_not_wait_long_for_a_broker_that_hangs(broker, outbox, monkeypatch):
    monkeypatch.setattr(broadcast, "OFFLINE_S_MAX", 0.1)

    async def hang(_publication):
        await asyncio.Event().wait()

    async with asyncio.timeout(5), broadcasting(broker, outbox) as made:
        await eventually(lambda: made.connected)
        broker.before_ack = hang
    assert broker.states() == ["online", "offline"]


async def test_an_outage_is_one_line_in_the_log(broker, outbox, log):
    broker.is_up = False
    async with broadcasting(broker, outbox):
        await asyncio.sleep(0.6)
        broker.is_up = True
        await eventually(lambda: broker.taken)
    assert [event["event"] for event in log] == ["broadcast_link_down", "broadcast_link_up"]
