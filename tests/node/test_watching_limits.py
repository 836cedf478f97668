"""What the picture refuses, forgets and says in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.delivery.events import presence_topic, status_topic, trace_event, trace_topic
from node.watching import picture as picture_module
from node.watching.lines import agreement, change_json, change_line, picture_json
from node.watching.picture import ChangeKind, Picture
from tests.node.picture_words import (
    ONE,
    OTHER_SIDE,
    TWO,
    A,
    B,
    presence,
    seq,
    session,
    states,
    status,
    told,
    views,
)

# What is refused


def renamed(message, **data):
    event = json.loads(message[1])
    return json.dumps(event | {"data": event["data"] | data}).encode()


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (status_topic(A, ONE), status(1, node=B)[1]),
        (status_topic(A, ONE), status(1, connection=TWO)[1]),
        (status_topic(A, ONE), presence("online", 1)[1]),
        (presence_topic(A), presence("online", 1, node=B)[1]),
        (presence_topic(A), status(1)[1]),
        (status_topic(A, ONE), b"{"),
        (status_topic(A, ONE), b"\xff\xfe"),
        (status_topic(A, ONE), b"[" * 7000),
        (status_topic(A, ONE), status(1)[1] + b" " * picture_module.PAYLOAD_BYTES_MAX),
        (status_topic(A, ONE), renamed(status(1), seq=0)),
        (status_topic(A, ONE), renamed(status(1), seq=2**53)),
        (status_topic(A, ONE), renamed(status(1), seq="1")),
        (status_topic(A, ONE), renamed(status(1), invitation_code="x")),
        (status_topic(A, ONE), renamed(status(1), status="\x1b[2J")),
        (status_topic(A, ONE), renamed(status(1), name="n" * 101)),
        (presence_topic(A), renamed(presence("online", 1), state="here")),
    ],
)
def test_what_is_no_event_of_its_topic_is_refused(topic, payload):
    picture = told(status(1, connection=TWO))
    assert picture.take(topic, payload, retained=True) is None
    assert picture.counts.refused == 1
    assert views(picture) == {}
    assert picture.nodes() == []


@pytest.mark.parametrize(
    "topic", ["", "other", "handclasp/v1/nodes/A/presence", f"handclasp/v1/nodes/{A}/connections/{ONE}/status/x"]
)
def test_a_topic_of_others_is_passed_over(topic):
    picture = Picture()
    assert picture.take(topic, status(1)[1], retained=False) is None
    assert picture.take(topic, b"", retained=False) is None
    assert picture.counts == picture_module.Counts()


def test_a_trace_is_passed_over_and_is_no_status():
    data = {
        "node": A, "connection": ONE, "direction": "sent", "kind": "accept", "phase": "accepted", "serial": 1,
        "revision": 1, "echo_phase": None, "answer": False, "message": "0" * 16, "bytes": 9,
    }  # fmt: skip
    payload = trace_event(event_id=session(1), at=0, **data)
    picture = told((trace_topic(A, ONE), payload))
    assert picture.counts.refused == 0
    told((status_topic(A, ONE), payload), into=picture)
    assert picture.counts.refused == 1
    assert picture.connections() == []


@given(st.binary(max_size=200), st.sampled_from([status_topic(A, ONE), presence_topic(A)]), st.booleans())
def test_nothing_that_is_published_raises(payload, topic, retained):
    assert Picture().take(topic, payload, retained=retained) is None


# Limits


def test_connections_and_nodes_beyond_the_limit_are_counted_and_not_held():
    picture = Picture(views_max=2, nodes_max=2)
    told(*(status(1, connection=f"{number:032x}") for number in range(5)), into=picture)
    assert (len(picture.connections()), picture.counts.beyond) == (2, 3)
    told(status(2, connection=f"{0:032x}"), into=picture)
    assert picture.connections()[0].views[0].data.seq == 2
    told(*(presence("online", 1, node=node) for node in (A, B, "node-c")), into=picture)
    assert (list(states(picture)), picture.counts.beyond) == ([A, B], 4)


def test_what_is_remembered_of_the_past_is_bounded(monkeypatch):
    monkeypatch.setattr(picture_module, "EVENT_IDS_MAX", 3)
    monkeypatch.setattr(picture_module, "GONE_MAX", 3)
    picture = Picture()
    for number in range(1, 20):
        connection = f"{number:032x}"
        told(status(1, connection=connection), (status_topic(A, connection), b""), into=picture)
        told(presence("online", number), into=picture)
    assert len(picture._seen) == len(picture._gone) == 3
    assert len(picture._nodes[A].past) == picture_module.PAST_SESSIONS_MAX


def test_an_old_event_whose_id_was_forgotten_is_told_by_its_seq(monkeypatch):
    monkeypatch.setattr(picture_module, "EVENT_IDS_MAX", 1)
    assert seq(told(status(1), status(2), status(3), status(1))) == 3


# A new link


def test_on_a_new_link_what_is_not_told_again_is_unconfirmed():
    picture = told(presence("online", 1), status(1), status(1, connection=TWO), status(1, node=B, **OTHER_SIDE))
    picture.begin_link()
    assert not picture.is_confirmed(A)
    told(status(1), retained=True, into=picture)
    assert picture.settle() == []
    assert views(picture)[A].stale == ""
    assert views(picture)[B].stale == views(picture, TWO)[A].stale == "unconfirmed"


def test_what_was_removed_while_there_was_no_link_is_gone_when_the_next_one_is_settled():
    picture = told(presence("online", 1), status(1), status(1, connection=TWO), status(1, node=B, **OTHER_SIDE))
    picture.begin_link()
    told(presence("online", 1), status(1), retained=True, into=picture)
    (change,) = picture.settle()
    assert (change.kind, change.node, change.view.data.connection) == (ChangeKind.GONE, A, TWO)
    assert set(views(picture)) == {A, B}


def test_a_broker_that_lost_its_memory_removes_nothing():
    picture = told(presence("online", 1), status(4))
    picture.begin_link()
    told(presence("online", 2), retained=True, into=picture)
    assert picture.settle() == []
    assert views(picture)[A].stale == "unconfirmed"
    told(status(4), into=picture)
    assert views(picture)[A].stale == ""


# In words


def test_two_views_are_joined_by_their_connection_and_agree_only_if_both_were_heard():
    picture = told(status(1, node=B, **OTHER_SIDE))
    assert agreement(picture.connections()[0]) == "b: active"
    told(status(1), into=picture)
    (one,) = picture.connections()
    assert [view.data.node for view in one.views] == [A, B]
    assert agreement(one) == "Active"


def test_two_nodes_with_the_same_short_name_are_called_by_their_ids():
    picture = told(status(1, status="closed"), status(1, node=B, **OTHER_SIDE | {"local_short_name": "a"}))
    assert agreement(picture.connections()[0]) == "node-a: closed / node-b: active"


def test_lines_tell_changes():
    picture = Picture()
    messages = [presence("online", 1), status(1), status(3), presence("lost", 1), (status_topic(A, ONE), b"")]
    lines = [change_line(picture.take(*message, retained=False), picture) for message in messages]
    assert lines == [
        "node node-a is online",
        "connection 00000000 a_to_b: a, the source, says active",
        "connection 00000000 a_to_b: a, the source, says active; 1 event was missed",
        "node node-a is lost; 1 of its views is stale",
        "connection 00000000 a_to_b: a, the source, no longer has it",
    ]


def test_json_of_what_strangers_wrote_is_one_line_of_ascii():
    picture = Picture()
    change = picture.take(*status(1, name="\x9b2J\u2028\x85 ü"), retained=True)
    for text in (change_json(change), picture_json(picture)):
        assert text.isascii()
        assert text.isprintable() or text.startswith("{\n")
    document = json.loads(change_json(change))
    assert document["name"] == "\x9b2J\u2028\x85 ü"
    assert (document["change"], document["stale"], document["retained"]) == ("status", None, True)
