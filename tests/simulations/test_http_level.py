"""The http level: the shipped client and server exchange real bytes, in the same world with the same faults."""

from __future__ import annotations

import asyncio

import pytest

from node.ports import HttpAnswer
from simulations.carriers import DirectCarrier
from simulations.faults import Fault
from simulations.http.links import PeerLink
from simulations.http.messages import WireAnswer, bytes_of, read_answer, take_message
from simulations.levels import Level
from simulations.observer import Observer
from simulations.server import DirectServer
from simulations.stories import one_handshake
from simulations.world import World

NO_FAULTS: frozenset[Fault] = frozenset()


class Phases(Observer):
    """The last phase of each connection on each machine, and the bytes that passed."""

    def __init__(self, world):
        super().__init__(world)
        self.phases = {}
        self.causes = []

    def unit(self, host, result, changes):
        for change in changes:
            if change.after is not None:
                self.phases[host.name] = change.after.phase

    def failed(self, call, cause):
        self.causes.append((call.name, cause))


def http_world(seed=1, *, story=one_handshake, **more) -> World:
    return World(seed, level=Level.HTTP, story=story, observers=[Phases], **more)


def whats(world: World) -> list[str]:
    return [entry.what for entry in world.trace.entries]


def test_a_handshake_over_http_ends_active_without_a_handler_called_directly(monkeypatch):
    for of_direct_level in (DirectServer, DirectCarrier):
        monkeypatch.delattr(of_direct_level, "__init__")
    world = http_world(kinds=NO_FAULTS)
    outcome = world.run()
    assert outcome.violation is None
    assert world.observers[0].phases == {"a": "active", "b": "accepted"}


def test_links_are_kept_and_used_again(monkeypatch):
    made = []
    genuine = PeerLink.__init__

    def counted(self, carrier, call, *rest):
        made.append(call.target)
        genuine(self, carrier, call, *rest)

    monkeypatch.setattr(PeerLink, "__init__", counted)
    world = http_world(kinds=NO_FAULTS)
    world.run()
    assert whats(world).count("asks") > len(made) > 0


def test_a_request_on_a_link_to_a_process_that_is_gone_is_told_as_unreachable_and_made_again():
    async def story(admins):
        code = await admins.initiate("a", to="b", called="x", ask_me=True)
        connection = await admins.accept("b", code)
        await asyncio.sleep(3)  # b has a link to a, and keeps it for a while
        admins.world.hosts["a"].crash("test")
        admins.world.hosts["a"].boot()
        await asyncio.sleep(1)
        await admins.act("b", connection["sys_id"], "cancel")

    world = http_world(story=story, kinds=NO_FAULTS)
    assert world.run().violation is None
    assert world.observers[0].phases == {"a": "closed", "b": "closed"}
    assert {cause.value for _, cause in world.observers[0].causes} == {"unreachable"}


def test_an_answer_that_is_cut_is_no_answer_wherever_it_is_cut():
    """Each byte may be the last one. A GET on a link that was used before aiohttp itself makes once more."""
    shares, told = set(), []
    for seed in range(25):
        world = http_world(seed, story=None, kinds=frozenset({Fault.CUT_ANSWER}))
        assert world.run().violation is None
        cut = [entry for entry in world.trace.entries if entry.what == "is-told" and "share" in entry.facts]
        shares |= {int(entry.facts["share"] * 10) for entry in cut}
        told += [(call, cause) for call, cause in world.observers[0].causes]
        for entry in cut:
            retried = {
                one.facts["call"].removesuffix(" retried") for one in world.trace.entries if one.what == "asks-again"
            }
            assert entry.facts["call"] in retried | {call for call, _ in world.observers[0].causes}
    assert len(shares) >= 6
    assert len(told) >= 6
    assert {cause.value for _, cause in told} <= {"unreachable", "not-a-node"}  # in the head, in the body


def test_both_levels_decide_alike_what_befalls_a_request():
    struck = {level: set(World(3, level=level, story=one_handshake).run().struck) for level in Level}
    assert struck[Level.DIRECT] & struck[Level.HTTP]


def test_http_worlds_pass_under_the_deep_guard():
    for seed in (2, 7):
        outcome = World(seed, level=Level.HTTP, is_deep=True).run()
        assert outcome.violation is None
        assert outcome.digest == World(seed, level=Level.HTTP).run().digest


# Bytes


WIRE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\nDate: x\r\n\r\nhello"


def test_a_message_is_taken_when_it_is_whole_and_not_before():
    for arrived in range(len(WIRE)):
        received = bytearray(WIRE[:arrived])
        assert take_message(received) is None
        assert received == WIRE[:arrived]
        received += WIRE[arrived:] + b"HTTP/1.1 2"
        assert take_message(received) == WIRE
        assert received == b"HTTP/1.1 2"


def test_a_message_without_a_length_ends_with_its_head():
    assert take_message(bytearray(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET")) == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_chunked_message_is_refused_rather_than_misread():
    with pytest.raises(NotImplementedError):
        take_message(bytearray(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))


def test_an_answer_is_read_and_written_as_it_was():
    answer = read_answer(WIRE)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/plain", b"hello")
    assert bytes_of(answer) == WIRE
    written = bytes_of(HttpAnswer(status=503, headers={"retry-after": "120"}, body=b"x"))
    assert read_answer(written) == WireAnswer(
        status=503, headers={"retry-after": "120", "content-length": "1"}, body=b"x", raw=written
    )
