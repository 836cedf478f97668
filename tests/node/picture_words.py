"""Messages for a picture, in few words."""

from __future__ import annotations

from uuid import NAMESPACE_OID, UUID, uuid5

from node.delivery.events import presence_event, presence_topic, status_event, status_topic
from node.watching.picture import Picture

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
