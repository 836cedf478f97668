"""The AsyncAPI document and what is published: a whole story of two nodes, each message held to the document."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from node.brokers.children import BrokerKind
from node.delivery.broker_url import BrokerUrl
from node.delivery.events import CLIENT_ID, SUBJECTS
from node.delivery.mqtt import KEEPALIVE_S, MqttBroker
from node.describing.asyncapi import asyncapi_json
from node.ports import BrokerDownError, Publication
from tests.node.local_nodes import running_node
from tests.node.mqtt_world import eventually, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

VENDOR = Path(__file__).parent / "vendor"
DOCUMENT = json.loads(asyncapi_json())
NODE = "3f0d6d4e-5c8b-4f0e-9a55-6f2d1c7b8a90"


def resolved(value):
    while "$ref" in value:
        found = DOCUMENT
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def faults(schema, value):
    checked = jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{list(error.absolute_path)}: {error.message}" for error in checked.iter_errors(value)]


def channel_of(topic):
    """The name of the channel that a topic belongs to."""
    for name, channel in DOCUMENT["channels"].items():
        pattern = re.escape(channel["address"])
        for parameter in channel["parameters"]:
            pattern = pattern.replace(re.escape(f"{{{parameter}}}"), "[a-z0-9][a-z0-9-]{0,63}")
        if re.fullmatch(pattern, topic):
            return name
    return None


def undescribed(published):
    """What of a publication the document does not admit."""
    name = channel_of(published.topic)
    if name is None:
        return [f"the topic {published.topic}"]
    if published.qos != operation_of(name)["qos"]:
        return [f"QoS {published.qos} of {published.topic}"]
    value = json.loads(published.payload) if published.payload else ""
    found = []
    for message in DOCUMENT["channels"][name]["messages"].values():
        found.append(faults(resolved(message)["payload"], value))
        if not found[-1]:
            return []
    return [f"{published.topic}: {min(found, key=len)}"]


def operation_of(name):
    (one,) = (
        one for one in DOCUMENT["operations"].values() if one["channel"]["$ref"] == f"#/channels/{name}"
    )  # each topic is published in one way
    return one["bindings"]["mqtt"]


def test_it_is_asyncapi_3():
    told = dict(line.split()[::-1] for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    text = (VENDOR / "asyncapi-3.0.0.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == told["asyncapi-3.0.0.json"]
    judge = jsonschema.Draft7Validator(json.loads(text))
    assert list(judge.iter_errors(DOCUMENT)) == []
    operation = DOCUMENT["operations"]["tell-status"]
    wrong = DOCUMENT | {"operations": {"tell-status": operation | {"bindings": {"mqtt": {"qos": 3}}}}}
    assert len(list(judge.iter_errors(wrong))) == 1


def test_its_channels_are_the_subjects_of_the_code_and_every_reference_leads_somewhere():
    assert list(DOCUMENT["channels"]) == [subject.name for subject in SUBJECTS]
    for reference in re.findall(r'"\$ref":"(.*?)"', asyncapi_json().decode()):
        resolved({"$ref": reference})


def test_its_examples_are_what_it_describes_and_every_member_is_explained():
    for message in DOCUMENT["components"]["messages"].values():
        assert [faults(message["payload"], example["payload"]) for example in message["examples"]] == [[]]
    for name, schema in DOCUMENT["components"]["schemas"].items():
        unexplained = {key for key, one in schema.get("properties", {}).items() if "description" not in one}
        assert unexplained <= {"type", "data"}, name


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"topic": f"handclasp/v1/nodes/{NODE}/mood"}, "the topic"),
        ({"topic": "handclasp/v1/nodes/a+b/presence"}, "the topic"),
        ({"qos": 0}, "QoS 0"),
        ({"payload": b""}, "presence"),
        ({"payload": b"1"}, "presence"),
        ({"payload": b'{"data":{}}'}, "presence"),
    ],
)
def test_what_is_not_described_is_found(change, fault):
    example = DOCUMENT["components"]["messages"]["nodePresence"]["examples"][0]["payload"]
    right = {"topic": f"handclasp/v1/nodes/{NODE}/presence", "payload": json.dumps(example).encode(), "qos": 1}
    assert undescribed(Publication(**right)) == []
    (found,) = undescribed(Publication(**right | change))
    assert fault in found


@pytest.mark.parametrize("where", [(), ("data",)])
def test_a_member_that_is_not_described_is_found(where):
    for name, message in (("presence", "nodePresence"), ("status", "connectionStatus"), ("trace", "handshakeTrace")):
        event = json.loads(json.dumps(DOCUMENT["components"]["messages"][message]["examples"][0]["payload"]))
        topic = DOCUMENT["channels"][name]["address"].replace("{node}", NODE).replace("{connection}", "0" * 32)
        qos = operation_of(name)["qos"]
        assert undescribed(Publication(topic=topic, payload=json.dumps(event).encode(), qos=qos)) == []
        (event["data"] if where else event)["more"] = 1
        assert undescribed(Publication(topic=topic, payload=json.dumps(event).encode(), qos=qos)) != []


@dataclass
class Breakable:
    """A broker whose links a test can break, as a lost network does; it keeps how each link was made."""

    broker: MqttBroker
    break_next: bool = False
    links: list[tuple[str, Publication | None]] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def connect(self, client_id, *, will=None) -> AsyncIterator[Breaking]:
        self.links.append((client_id, will))
        async with self.broker.connect(client_id, will=will) as link:
            yield Breaking(link, self)


class Breaking:
    def __init__(self, link, owner):
        self._link, self._owner = link, owner

    def __getattr__(self, name):
        return getattr(self._link, name)

    async def publish(self, publication):
        if self._owner.break_next:
            self._owner.break_next = False
            raise BrokerDownError("broken by the test")
        await self._link.publish(publication)


async def read_all(link, seen):
    async for message in link.messages():
        seen.append(message)


@contextlib.asynccontextmanager
async def reading(broker, client_id):
    """All that is published, as it comes."""
    async with broker.connect(client_id) as link:
        await link.subscribe("#")
        seen = []
        task = asyncio.create_task(read_all(link, seen))
        yield seen
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def states(seen, url_of):
    return {json.loads(one.payload)["data"]["state"] for one in seen if one.topic.endswith(url_of)}


def retained_by(seen):
    """What a broker must still have of all that was published, by the document."""
    last = {one.topic: one.payload for one in seen if operation_of(channel_of(one.topic))["retain"]}
    return {topic: payload for topic, payload in last.items() if payload}


async def whole_story(a, b, broker_of_a, seen):
    """Everything that makes a node say something."""
    first = await a.initiate(b, name="first")
    sys_id = first["connection"]["sys_id"]
    assert (await b.accept(first["invitation_code"]))[0] == 201
    for node in (a, b):
        await node.until(sys_id, "active")
    assert (await a.admin("POST", f"/connections/{sys_id}/deactivate"))[0] == 200
    await b.until(sys_id, "deactivated-there")
    assert (await a.admin("POST", f"/connections/{sys_id}/activate"))[0] == 200
    await b.until(sys_id, "active")
    second = await a.initiate(None, name="second", ask_me=True)
    await b.accept(second["invitation_code"])
    await a.until(second["connection"]["sys_id"], "awaiting-approval")
    await a.admin("POST", f"/connections/{second['connection']['sys_id']}/refuse")
    await b.until(second["connection"]["sys_id"], "closed")
    third = await a.initiate(None, name="third")
    await a.admin("PATCH", f"/connections/{third['connection']['sys_id']}", {"description": "changed"})
    broker_of_a.break_next = True
    await a.admin("POST", f"/connections/{third['connection']['sys_id']}/new-code")
    await eventually(lambda: "lost" in states(seen, f"nodes/{a.node.context.topic_id}/presence"))
    await a.admin("POST", f"/connections/{third['connection']['sys_id']}/withdraw")
    for node in (a, b):
        await node.admin("POST", f"/connections/{sys_id}/remove")
        await node.admin("POST", f"/connections/{sys_id}/forget")
    await eventually(lambda: len([one for one in seen if not one.payload and not one.retain]) >= 2)


@pytest.mark.mosquitto
async def test_all_that_two_nodes_publish_is_described_and_all_that_is_described_is_published(tmp_path):
    async with running(BrokerKind.MOSQUITTO, tmp_path) as child:
        broker = MqttBroker(BrokerUrl.parse(child.url))
        brokers = {name: Breakable(MqttBroker(BrokerUrl.parse(child.url))) for name in ("a", "b")}
        async with reading(broker, "reader") as seen:
            async with contextlib.AsyncExitStack() as stack:
                a, b = [
                    await stack.enter_async_context(running_node(tmp_path / name, name=name, broker=brokers[name]))
                    for name in ("a", "b")
                ]
                ids = [node.node.context.topic_id for node in (a, b)]
                await whole_story(a, b, brokers["a"], seen)
            await eventually(lambda: all("offline" in states(seen, f"nodes/{one}/presence") for one in ids))
        async with reading(broker, "late") as kept:
            await eventually(lambda: len({one.topic for one in kept}) == len(retained_by(seen)))
    assert [fault for one in (*seen, *kept) for fault in undescribed(one)] == []
    assert {channel_of(one.topic) for one in seen} == set(DOCUMENT["channels"])
    assert {one.payload == b"" for one in seen if channel_of(one.topic) == "status"} == {True, False}
    assert states(seen, "/presence") == {"online", "offline", "lost"}
    assert {channel_of(one.topic) for one in kept} == {
        name for name in DOCUMENT["channels"] if operation_of(name)["retain"]
    }
    assert all(one.retain for one in kept)
    assert {one.topic: one.payload for one in kept} == retained_by(seen)
    mqtt = DOCUMENT["servers"]["broker"]["bindings"]["mqtt"]
    will = mqtt["lastWill"]
    for name, node_id in zip(brokers, ids, strict=True):
        for client_id, said in brokers[name].links:
            assert client_id == mqtt["clientId"].format(node=node_id) == CLIENT_ID.format(node=node_id)
            assert (said.topic, said.qos, said.retain) == (
                will["topic"].format(node=node_id),
                will["qos"],
                will["retain"],
            )
            assert undescribed(said) == []
    assert len(brokers["a"].links) == 2
    assert mqtt["keepAlive"] == KEEPALIVE_S
