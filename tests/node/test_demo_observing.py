"""What the demo makes of the events that it sees."""

import pytest

from node.delivery.events import presence_event, status_event, status_topic, trace_event, trace_topic, uuid_from
from node.demo.expecting import MissingError, message_of, presence_of, status_of
from node.demo.observing import Observer
from node.demo.seen import Message
from node.ports import BrokerDownError, Publication

A, B, STRANGER = (str(number) * 8 + "-0000-4000-8000-000000000000" for number in (1, 2, 3))
CONNECTION = "0f" * 16


def event_id(number: int) -> str:
    return uuid_from(number.to_bytes(16, "big"))


def status(node: str, word: str, *, number: int, seq: int = 1, at: float = 1.0) -> Publication:
    payload = status_event(
        event_id=event_id(number),
        at=at,
        node=node,
        connection=CONNECTION,
        role="source",
        seq=seq,
        status=word,
        phase="pending",
        reason=None,
        enabled_here=False,
        enabled_there=None,
        mode="script",
        revision=1,
        partner=None,
        name="a_to_b",
        local_short_name="a",
        remote_short_name="b",
    )
    return Publication(topic=status_topic(node, CONNECTION), payload=payload, retain=True)


def trace(node: str, direction: str, *, number: int, at: float) -> Publication:
    payload = trace_event(
        event_id=event_id(number),
        at=at,
        node=node,
        connection=CONNECTION,
        direction=direction,
        kind="accept",
        phase="accepted",
        serial=1,
        revision=1,
        echo_phase=None,
        answer=False,
        message="0123456789abcdef",
        bytes=375,
    )
    return Publication(topic=trace_topic(node, CONNECTION), payload=payload, qos=0)


class Link:
    """Hands out what has arrived, and breaks."""

    def __init__(self, *publications: Publication) -> None:
        self._publications = publications

    async def messages(self):
        for publication in self._publications:
            yield publication
        raise BrokerDownError("The link was lost.")


async def observed(*publications: Publication) -> Observer:
    observer = Observer({A: "a", B: "b"})
    await observer.read(Link(*publications))
    return observer


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_message_counts_when_both_ends_have_told_of_it_whoever_was_first(order):
    halves = (trace(B, "sent", number=1, at=2.0), trace(A, "received", number=2, at=2.5))
    first, second = (halves[place] for place in order)
    assert (await observed(first)).seen == []
    observer = await observed(first, second)
    (seen,) = await observer.expect([message_of("b", "accept", "accepted")])
    assert isinstance(seen, Message)
    assert (seen.sender, seen.recipient, seen.at_s, seen.received_at_s) == ("b", "a", 2.0, 2.5)


async def test_events_are_told_in_the_order_in_which_they_happened():
    observer = await observed(status(B, "active", number=1, at=3.0), status(A, "active", number=2, at=2.0))
    assert [one.side for one in observer.news()] == ["a", "b"]
    assert observer.news() == []


async def test_a_second_delivery_a_stranger_and_what_is_no_event_are_not_seen():
    observer = await observed(
        status(A, "pending", number=1),
        status(A, "pending", number=1),
        status(STRANGER, "pending", number=2),
        Publication(topic=status_topic(A, CONNECTION), payload=b""),
        Publication(topic="handclasp/other", payload=b'{"type": "other"}'),
    )
    assert len(observer.seen) == len(observer.documents) == 1


async def test_what_did_not_come_in_time_is_named():
    observer = Observer({A: "a", B: "b"})
    with pytest.raises(MissingError, match="the presence of node b, the status active of node a"):
        await observer.expect([presence_of("b"), status_of("a", "active", 2)], within_s=0.01)


async def test_a_broken_link_is_told_at_once():
    observer = await observed()
    with pytest.raises(BrokerDownError):
        await observer.expect([presence_of("a")])


async def test_only_a_node_that_says_online_is_there():
    lost = presence_event(event_id=event_id(1), at=1.0, node=A, state="lost", session=event_id(2))
    observer = await observed(Publication(topic="handclasp/v1/nodes/x/presence", payload=lost))
    assert [one.state for one in observer.seen] == ["lost"]
    assert not presence_of("a").fits(observer.seen[0])


async def test_a_loss_is_told_when_it_came_and_not_when_the_will_was_written():
    lost = presence_event(event_id=event_id(1), at=1.0, node=A, state="lost", session=event_id(2))
    observer = await observed(
        status(A, "pending", number=2, at=5.0), Publication(topic="handclasp/v1/nodes/x/presence", payload=lost)
    )
    news = observer.news()
    assert presence_of("a", "lost").fits(news[-1])
    assert news[-1].at_s > 5.0
