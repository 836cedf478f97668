"""The picture that a reader makes of broadcasts: messages in, changes out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.delivery.events import presence_topic, seq_floor, status_topic
from node.watching.lines import agreement
from node.watching.picture import ChangeKind, Picture
from protocol.limits import COUNTER_LIMIT
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
    told(status(7), into=picture)
    assert views(picture)[A].missed == picture.counts.missed == 4


def test_a_restored_node_goes_on_above_what_it_forgot_and_nothing_was_missed():
    anew = seq_floor(1_800_000_000) + 1
    picture = told(presence("online", 1), status(7), presence("online", 2), status(anew, life=1))
    assert seq(picture) == anew
    assert picture.counts.missed == 0


def test_the_later_of_two_restores_has_the_higher_numbers_whatever_the_clock():
    assert seq_floor(0) == 0
    assert (
        seq_floor(1_800_000_000)
        < seq_floor(1_800_000_001)
        < seq_floor(2**33)
        == seq_floor(2**60)
        < COUNTER_LIMIT - 2**20
    )


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


def test_a_view_that_was_removed_comes_back_when_the_node_begins_anew_from_a_backup_that_held_it():
    picture = told(presence("online", 1), status(4), (status_topic(A, ONE), b""), presence("online", 2), status(4))
    assert seq(picture) == 4


def test_a_view_that_was_removed_does_not_come_back_by_a_repetition_in_the_same_session():
    picture = told(presence("online", 1), status(4), (status_topic(A, ONE), b""), status(4))
    assert views(picture) == {}


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
