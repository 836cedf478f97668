"""The events that a node broadcasts, and their topics."""

from __future__ import annotations

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.delivery.events import (
    PRESENCE_TYPE,
    STATUS_TYPE,
    TRACE_TYPE,
    EventError,
    PresenceEvent,
    StatusEvent,
    TopicParts,
    TraceEvent,
    decode_event,
    parse_topic,
    presence_event,
    presence_topic,
    status_event,
    status_topic,
    trace_event,
    trace_topic,
    uuid_from,
)
from protocol.vocabulary import Kind, Phase, Reason, Role

NODE = "4f1c2d3e-0000-4000-8000-00000000000a"
CONNECTION = "0123456789abcdef0123456789abcdef"
ID = uuid_from(bytes(16))
AT = 1_750_000_000.25

STATUS = {
    "node": NODE,
    "connection": CONNECTION,
    "role": Role.SOURCE,
    "seq": 7,
    "status": "deactivated-there",
    "phase": Phase.ACTIVE,
    "reason": None,
    "enabled_here": True,
    "enabled_there": False,
    "mode": "script",
    "revision": 4,
    "partner": "abcd-efgh-ijkl-mnop-qrst-uvwx",
    "name": "Acme ↔ Globex",
    "local_short_name": "acme",
    "remote_short_name": None,
}
TRACE = {
    "node": NODE,
    "connection": CONNECTION,
    "direction": "sent",
    "kind": Kind.ACCEPT,
    "phase": Phase.ACCEPTED,
    "serial": 1_750_000_000,
    "revision": 1,
    "echo_phase": None,
    "answer": False,
    "message": "0011223344556677",
    "bytes": 512,
}
EVENTS = {
    PRESENCE_TYPE: lambda **more: presence_event(
        event_id=ID, at=AT, **{"node": NODE, "state": "online", "session": ID} | more
    ),
    STATUS_TYPE: lambda **more: status_event(event_id=ID, at=AT, **STATUS | more),
    TRACE_TYPE: lambda **more: trace_event(event_id=ID, at=AT, **TRACE | more),
}


def test_a_presence_event_is_written_like_this():
    assert json.loads(EVENTS[PRESENCE_TYPE]()) == {
        "specversion": "1.0",
        "type": "handclasp.node.presence.v1",
        "id": "00000000-0000-4000-8000-000000000000",
        "source": f"/nodes/{NODE}",
        "time": "2025-06-15T15:06:40.250Z",
        "datacontenttype": "application/json",
        "data": {"node": NODE, "state": "online", "session": ID},
    }


def test_a_status_event_is_written_like_this():
    event = json.loads(EVENTS[STATUS_TYPE]())
    assert event.pop("data") == STATUS
    assert event["type"] == "handclasp.connection.status.v1"
    assert event["source"] == f"/nodes/{NODE}/connections/{CONNECTION}"


def test_a_trace_event_is_written_like_this():
    event = json.loads(EVENTS[TRACE_TYPE]())
    assert event.pop("data") == TRACE
    assert event["type"] == "handclasp.handshake.trace.v1"
    assert event["source"] == f"/nodes/{NODE}/connections/{CONNECTION}"


@pytest.mark.parametrize(
    ("kind", "struct"),
    [(PRESENCE_TYPE, PresenceEvent), (STATUS_TYPE, StatusEvent), (TRACE_TYPE, TraceEvent)],
)
def test_what_is_written_is_read_again(kind, struct):
    event = decode_event(EVENTS[kind]())
    assert type(event) is struct
    assert event.id == ID
    assert event.data.node == NODE


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("field", ["code", "url", "invitation_code", "key", "text"])
def test_data_admit_no_other_field_neither_written_nor_read(kind, field):
    with pytest.raises((EventError, TypeError)):
        EVENTS[kind](**{field: "handclasp_abc"})
    event = json.loads(EVENTS[kind]())
    event["data"][field] = "handclasp_abc"
    with pytest.raises(EventError, match=f"unknown field `{field}`"):
        decode_event(json.dumps(event).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 0},
        {"seq": 2**53},
        {"revision": -1},
        {"status": "Deactivated there"},
        {"status": "a\n"},
        {"phase": "open"},
        {"reason": "because"},
        {"role": "peer"},
        {"mode": "turbo"},
        {"partner": "https://example.org"},
        {"name": "n" * 101},
        {"local_short_name": "n" * 65},
        {"remote_short_name": "n" * 65},
        {"connection": CONNECTION + "\n"},
        {"connection": CONNECTION.upper()},
        {"connection": "c-1"},
        {"enabled_here": None},
        {"enabled_there": "yes"},
    ],
)
def test_a_status_beyond_its_limits_is_refused(change):
    with pytest.raises(EventError):
        EVENTS[STATUS_TYPE](**change)


@pytest.mark.parametrize(
    "change",
    [{"direction": "up"}, {"message": "0011"}, {"message": "0" * 32}, {"bytes": 16 * 1024 + 1}, {"kind": "x"}],
)
def test_a_trace_beyond_its_limits_is_refused(change):
    with pytest.raises(EventError):
        EVENTS[TRACE_TYPE](**change)


@pytest.mark.parametrize("field", STATUS)
def test_a_status_without_one_of_its_fields_is_refused(field):
    with pytest.raises(EventError):
        status_event(event_id=ID, at=AT, **{key: value for key, value in STATUS.items() if key != field})


def test_a_closed_status_has_its_reason():
    event = decode_event(EVENTS[STATUS_TYPE](phase=Phase.CLOSED, reason=Reason.BY_PARTNER))
    assert event.data.reason is Reason.BY_PARTNER


@pytest.mark.parametrize("bad", ["", "-a", "a/b", "+", "#", "$SYS", "A", "a b", "é", "a" * 65, "a\n", None, 7])
@pytest.mark.parametrize(
    "topic",
    [
        presence_topic,
        lambda bad: status_topic(bad, CONNECTION),
        lambda bad: status_topic(NODE, bad),
        lambda bad: trace_topic(NODE, bad),
    ],
)
def test_an_id_that_would_break_a_topic_is_refused(topic, bad):
    with pytest.raises(EventError, match="can't stand in an MQTT topic"):
        topic(bad)


def test_topics_are_told_apart():
    assert presence_topic("a") == "handclasp/v1/nodes/a/presence"
    assert status_topic("a", "c") == "handclasp/v1/nodes/a/connections/c/status"
    assert trace_topic("a", "c") == "handclasp/v1/nodes/a/connections/c/trace"
    assert parse_topic(presence_topic("a")) == TopicParts(node="a", subject="presence")
    assert parse_topic(status_topic("a", "c")) == TopicParts(node="a", subject="status", connection="c")
    assert parse_topic(trace_topic("a", "c")) == TopicParts(node="a", subject="trace", connection="c")


@pytest.mark.parametrize(
    "topic",
    ["", "handclasp/v1/nodes/a", "handclasp/v2/nodes/a/presence", "handclasp/v1/nodes/A/presence",
     "handclasp/v1/nodes/a/presence/x", "handclasp/v1/nodes/a/connections/c/other", "x/handclasp/v1/nodes/a/presence",
     "handclasp/v1/nodes/a/presence\n"],
)  # fmt: skip
def test_a_topic_that_is_none_of_ours_is_none(topic):
    assert parse_topic(topic) is None


@given(st.binary(min_size=16, max_size=16))
def test_any_sixteen_bytes_make_a_version_4_uuid(entropy):
    made = uuid.UUID(uuid_from(entropy))
    assert (made.version, made.variant) == (4, uuid.RFC_4122)


@given(st.binary() | st.text().map(str.encode) | st.builds(lambda depth: b"[" * depth, st.integers(0, 100_000)))
def test_hostile_bytes_are_no_event(payload):
    with pytest.raises(EventError, match="not an event"):
        decode_event(payload)


def test_a_reader_ignores_attributes_that_it_does_not_know():
    event = json.loads(EVENTS[STATUS_TYPE]()) | {"traceparent": "00-x"}
    assert decode_event(json.dumps(event).encode()).data.seq == 7
