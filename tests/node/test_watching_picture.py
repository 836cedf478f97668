"""The picture that a reader makes of broadcasts: messages in, changes out."""

from __future__ import annotations

import json
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.delivery.events import presence_event, presence_topic, status_event, status_topic, trace_event, trace_topic
from node.watching import picture as picture_module
from node.watching.lines import agreement, change_json, change_line, picture_json
from node.watching.picture import ChangeKind, Picture

A, B = "node-a", "node-b"
ONE, TWO = f"{1:032x}", f"{2:032x}"
VIEW = {
    "role": "source", "status": "active", "phase": "active", "reason": None, "enabled_here": True,
    "enabled_there": True, "mode": "script", "revision": 1, "partner": None, "name": "a_to_b",
    "local_short_name": "a", "remote_short_name": "b",
}  # fmt: skip
OTHER_SIDE = {"role": "destination", "phase": "accepted", "local_short_name": "b", "remote_short_name": "a"}


def session(number):
    return str(UUID(int=number))


def event_id(*key):
    return str(uuid5(NAMESPACE_OID, repr(key)))


def status(seq, *, node=A, connection=ONE, life=0, **data):
    """A status event and its topic; `life` tells the events of a lost database from those of the next one."""
    payload = status_event(
        event_id=event_id(node, connection, seq, life), at=0, node=node, connection=connection, seq=seq, **VIEW | data
    )
    return status_topic(node, connection), payload


def presence(state, number, *, node=A):
    payload = presence_event(
        event_id=event_id(node, state, number), at=0, node=node, state=state, session=session(number)
    )
    return presence_topic(node), payload


def told(*messages, retained=False, into=None):
    into = into or Picture()
    for topic, payload in messages:
        into.take(topic, payload, retained=retained)
    return into


def views(picture, connection=ONE):
    return {v.data.node: v for one in picture.connections() if one.connection == connection for v in one.views}


def states(picture):
    return {one.node: one.state for one in picture.nodes()}


def seq(picture, node=A):
    return views(picture)[node].data.seq


# Statuses


def test_a_late_subscriber_sees_what_stands_and_has_missed_nothing():
    picture = told(presence("online", 1), status(7), retained=True)
    assert states(picture) == {A: "online"}
    assert seq(picture) == 7
    assert picture.counts.missed == 0


def test_a_jump_of_seq_is_taken_and_counted():
    picture = told(status(1), status(5))
    assert seq(picture) == 5
    assert views(picture)[A].missed == picture.counts.missed == 3


def test_a_change_tells_what_was_jumped_over():
    picture = told(status(1))
    change = picture.take(*status(3), retained=False)
    assert (change.kind, change.missed, change.view.data.seq) == (ChangeKind.STATUS, 1, 3)


def test_the_same_event_twice_changes_nothing():
    picture = told(status(2))
    assert picture.take(*status(2), retained=False) is None
    assert picture.counts.repeated == 1


def test_an_older_event_that_was_not_seen_changes_nothing():
    picture = told(status(3))
    assert picture.take(*status(2), retained=False) is None
    assert seq(picture) == 3


def test_a_node_that_is_back_with_a_new_session_may_begin_its_seq_anew():
    picture = told(presence("online", 1), status(9), presence("online", 2), status(1, life=1))
    assert seq(picture) == 1
    assert picture.counts.missed == 0


def test_another_nodes_new_session_lets_no_seq_go_back():
    picture = told(presence("online", 1), status(9), presence("online", 2, node=B), status(1))
    assert seq(picture) == 9


def test_the_first_session_that_is_heard_of_lets_no_seq_go_back():
    assert seq(told(status(9), presence("online", 1), status(1))) == 9


def test_a_session_that_began_before_the_view_was_heard_lets_no_seq_go_back():
    assert seq(told(presence("online", 1), presence("online", 2), status(9), status(1))) == 9


def test_a_repeated_event_is_no_new_beginning():
    picture = told(presence("online", 1), status(8), status(9), presence("online", 2), status(8))
    assert seq(picture) == 9


def test_an_event_id_of_one_node_silences_no_other():
    topic, payload = status(1, node=B)
    same_id = json.loads(status(1)[1])["id"]
    picture = told(status(1), (topic, json.dumps(json.loads(payload) | {"id": same_id}).encode()))
    assert set(views(picture)) == {A, B}


@given(
    st.integers(1, 12).flatmap(
        lambda most: st.tuples(
            st.just(most), st.lists(st.tuples(st.integers(1, most), st.booleans(), st.sampled_from([ONE, TWO])))
        )
    )
)
def test_any_repetition_and_order_ends_in_the_newest_view(drawn):
    most, order = drawn
    picture = Picture()
    newest, first, taken, jumped = {}, {}, {ONE: 0, TWO: 0}, 0
    for number, retained, connection in [*order, (most, True, ONE)]:
        changed = picture.take(*status(number, connection=connection), retained=retained) is not None
        assert changed == (number > newest.get(connection, 0))
        first.setdefault(connection, number)
        taken[connection] += changed
        newest[connection] = max(number, newest.get(connection, 0))
        assert {one.connection: one.views[0].data.seq for one in picture.connections()} == newest
    jumped = sum(newest[each] - first[each] + 1 - taken[each] for each in newest)
    assert picture.counts.missed == jumped
    assert newest[ONE] == most


@given(st.data())
def test_topics_may_be_interleaved_in_any_way(data):
    told_in_order = {
        "a": [presence("online", 1), presence("lost", 1), presence("online", 2)],
        "b": [presence("online", 3, node=B)],
        "one": [status(1), status(2), status(2), status(4, status="closed", phase="closed", reason="removed")],
        "two": [status(1, node=B, **OTHER_SIDE), status(2, node=B, **OTHER_SIDE)],
        "gone": [status(1, connection=TWO), (status_topic(A, TWO), b"")],
    }
    picture = Picture()
    while rest := [name for name, messages in told_in_order.items() if messages]:
        messages = told_in_order[data.draw(st.sampled_from(rest))]
        topic, payload = messages.pop(0)
        for _ in range(data.draw(st.integers(1, 2))):
            picture.take(topic, payload, retained=data.draw(st.booleans()))
    assert states(picture) == {A: "online", B: "online"}
    (one,) = picture.connections()
    assert [(v.data.seq, v.stale, v.missed) for v in one.views] == [(4, "", 1), (2, "", 0)]
    assert agreement(one) == "a: closed / b: active"


# Tombstones


def test_an_empty_payload_removes_a_view():
    picture = told(status(1), status(1, node=B, **OTHER_SIDE))
    change = picture.take(status_topic(A, ONE), b"", retained=False)
    assert (change.kind, change.node, change.view.data.seq) == (ChangeKind.GONE, A, 1)
    assert set(views(picture)) == {B}


def test_an_empty_payload_for_what_is_unknown_changes_nothing():
    picture = Picture()
    assert picture.take(status_topic(A, ONE), b"", retained=False) is None
    assert picture.take(presence_topic(A), b"", retained=False) is None


def test_a_late_event_does_not_bring_a_removed_view_back():
    picture = told(status(5), (status_topic(A, ONE), b""), status(5), status(4))
    assert picture.connections() == []
    assert seq(told(status(6), into=picture)) == 6


def test_an_empty_presence_makes_the_node_unknown_and_its_sessions_stay_known():
    picture = told(presence("online", 1), status(9), (presence_topic(A), b""))
    assert picture.nodes() == []
    assert views(picture)[A].stale == ""
    told(presence("lost", 1), into=picture)
    assert picture.nodes() == []
    told(presence("online", 2), status(1, life=1), into=picture)
    assert seq(picture) == 1


# Presence


@pytest.mark.parametrize("state", ["lost", "offline"])
def test_the_views_of_a_node_that_is_away_are_stale_and_unchanged(state):
    picture = told(presence("online", 1), status(1), status(1, node=B, **OTHER_SIDE), presence(state, 1))
    assert {node: view.stale for node, view in views(picture).items()} == {A: state, B: ""}
    assert views(picture)[A].data.status == "active"
    assert agreement(picture.connections()[0]) == "Active (stale)"
    told(presence("online", 2), into=picture)
    assert views(picture)[A].stale == ""


@pytest.mark.parametrize("state", ["lost", "offline"])
def test_an_old_will_changes_nothing(state):
    picture = told(presence("online", 1), presence("online", 2))
    for retained in (True, False):
        assert picture.take(*presence(state, 1), retained=retained) is None
    assert picture.take(*presence(state, 3), retained=False) is None
    assert states(picture) == {A: "online"}
    assert picture.counts.old_wills == 2


def test_a_session_that_ended_does_not_begin_again():
    picture = told(presence("lost", 1), presence("online", 1))
    assert states(picture) == {A: "lost"}


def test_a_session_that_was_replaced_does_not_come_back():
    picture = Picture()
    for number in range(1, 5000):  # longer than ids are remembered
        told(presence("online", number), into=picture)
    picture.counts.old_wills = 0
    told(presence("online", 4998), presence("lost", 4998), into=picture)
    topic, payload = presence("online", 4998)
    other_id = json.dumps(json.loads(payload) | {"id": session(99)}).encode()
    told((topic, other_id), into=picture)
    assert picture.nodes()[0].session == session(4999)
    assert picture.counts.old_wills == 2


def test_the_end_of_a_session_that_was_never_seen_is_believed_when_the_broker_had_kept_it():
    picture = told(presence("online", 1))
    picture.begin_link()
    told(presence("lost", 2), retained=True, into=picture)
    assert states(picture) == {A: "lost"}


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
