"""Programs of one's own in a simulated world: services, peers, and clients of them and of the nodes."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientConnectionError, ClientSession, web

from protocol.envelope import CONTENT_TYPE, envelope_bytes, read_answer, read_question, seal
from protocol.identity import SigningKey
from protocol.invitation import read_code
from protocol.modes import Mode
from protocol.node_info import NodeInfo, to_json
from protocol.proof import make_proof
from protocol.vocabulary import Details, Echo, Kind, Phase, Role, Side, Statement
from simulations.kit import Level, World, WorldError, simulated

SESSION, AUTH = web.AppKey("session", ClientSession), web.AppKey("auth", dict)
KEY = SigningKey(b"peer".ljust(32, b"\0"))


@pytest.mark.parametrize("level", Level)
@simulated
async def test_a_service_hears_of_what_a_subscriber_forwards_and_asks_a_node_back(level):
    opened = []

    async def open_ticket(request):
        body = await request.json()
        async with request.app[SESSION].get(
            f"http://a.test/api/v1/connections/{body['sys_id']}", headers=request.app[AUTH]
        ) as answer:
            opened.append((await answer.json())["connection"]["status"])
        return web.json_response({"number": len(opened)}, status=201)

    async with World(level=level) as w:
        (a,) = await w.nodes("a")
        app = web.Application()
        app.router.add_post("/tickets", open_ticket)
        async with w.session() as session:
            app[SESSION], app[AUTH] = session, {"Authorization": f"Bearer {a.admin_token}"}
            url = await w.serve("tickets.test", app)

            async def forward(delivery):
                async with session.post(f"{url}/tickets", json={"sys_id": delivery.event.data.connection}) as answer:
                    assert await answer.json() == {"number": delivery.event.data.seq}

            await w.subscribe(forward, "handclasp/v1/nodes/+/connections/+/status")
            await a.initiate()
            await w.until(lambda: opened == ["pending"])
            await a.act("withdraw")
            await w.until(lambda: opened == ["pending", "closed"])
            a.crash()
            with pytest.raises(ClientConnectionError, match=r"a\.test"):
                await session.get("http://a.test/healthz")
            with pytest.raises(ClientConnectionError, match="no name of this world"):
                await session.get("http://elsewhere.test/")
        with pytest.raises(WorldError, match="is taken"):
            await w.serve("tickets.test", web.Application())


@simulated
async def test_a_host_has_one_owner_whoever_comes_first():
    async with World() as w:
        await w.serve("b.test", web.Application())
        with pytest.raises(WorldError, match=r"can't be named 'b': b\.test is taken"):
            await w.nodes("a", "b")
        with pytest.raises(WorldError, match=r"a\.test is taken"):
            await w.serve("a.test", web.Application())


@simulated
async def test_a_program_takes_part_in_a_partition_by_its_host_name():
    async with World() as w:
        (a,) = await w.nodes("a")
        url = await w.serve("shop.test", web.Application())
        w.partition("a", "shop.test")
        assert (await a.api("POST", "/check", {"url": url}))["outcome"] == "unreachable"
        w.mend_partition()
        w.drop(recipient="shop.test", times=2)
        assert (await a.api("POST", "/check", {"url": url}))["outcome"] == "unreachable"
        w.mend()
        assert (await a.api("POST", "/check", {"url": url}))["outcome"] == "not-a-node"


@simulated
async def test_a_service_that_is_no_node_is_no_destination():
    async with World() as w:
        (a,) = await w.nodes("a")
        url = await w.serve("shop.test", web.Application())
        checked = await a.api("POST", "/check", {"url": url})
        assert checked["outcome"] == "not-a-node"


def info(url):
    return NodeInfo(
        protocol_versions=(1,), software="mine 1", node_id="0" * 8 + "-0000-4000-8000-" + "0" * 12, name="peer",
        instance_url=url, node_url=url, key=KEY.public, modes=(Mode.SCRIPT,), takes_invitations=True,
        not_taking_reason=None, boot="0" * 16,
    )  # fmt: skip


class Peer:
    """A minimal destination of one's own: it accepts one code, and says so until the source is active."""

    def __init__(self):
        self.url = "http://peer.test"
        self.heard = []
        self.app = web.Application()
        self.app.router.add_get("/.well-known/handclasp", self.node_info)
        self.app.router.add_post("/peer", self.hear)

    async def node_info(self, _request):
        return web.Response(body=to_json(info(self.url)), content_type="application/json")

    async def hear(self, request):
        question = read_question(await request.read(), me=KEY.public)
        self.heard.append((question.kind.value, question.statement.side.phase.value))
        if question.statement.side.phase is Phase.ACTIVE:
            statement = self.statement(Echo(question.statement.side.revision, Phase.ACTIVE, enabled=True))
        else:
            statement = Statement(serial=question.statement.serial, side=Side(0, Phase.NONE))
        sealed = seal(
            statement, kind=Kind.STATUS, role=Role.DESTINATION, recipient=question.sender,
            connection=question.connection, time_ms=1, in_reply_to=question.message_id, key=KEY,
        )  # fmt: skip
        return web.Response(body=envelope_bytes(sealed), content_type=CONTENT_TYPE)

    def statement(self, echo=None):
        return Statement(
            serial=self.code.invitation.serial, side=Side(1, Phase.ACCEPTED, enabled=True), echo=echo, proof=self.proof,
            details=Details(bytes(16), "peer", self.url, self.url, "a_to_peer", "a", "peer", "mine 1"),
        )  # fmt: skip

    async def accept(self, code, session):
        self.code = read_code(code.text)
        offered = self.code.invitation
        self.proof = make_proof(
            self.code.key, connection=offered.connection, serial=offered.serial, source_key=offered.source_key,
            destination_key=KEY.public, public_digest=self.code.public_digest,
        )  # fmt: skip
        question = seal(
            self.statement(), kind=Kind.ACCEPT, role=Role.DESTINATION, recipient=offered.source_key,
            connection=offered.connection, time_ms=1, in_reply_to=None, key=KEY,
        )  # fmt: skip
        headers = {"Content-Type": CONTENT_TYPE}
        async with session.post(f"{offered.node_url}/peer", data=envelope_bytes(question), headers=headers) as answer:
            return read_answer(await answer.read(), me=KEY.public, question=question).statement.side.phase


@pytest.mark.parametrize("level", Level)
@simulated
async def test_a_peer_of_ones_own_shakes_hands_with_a_node_though_the_network_loses_what_it_is_asked(level):
    peer = Peer()
    async with World(3, level=level) as w, w.session() as session:
        (a,) = await w.nodes("a")
        await w.serve("peer.test", peer.app, is_peer=True)
        code = await a.initiate(peer.url, ask_me=True)
        assert await peer.accept(code, session) is Phase.AWAITING
        lost = w.drop("status", sender=a)
        await a.act("approve")
        await w.quiet()
        assert a.status == "active"
        assert not a.connections[0].is_owed
        assert lost.count == 1
        assert peer.heard[-1] == ("status", "active")
        w.drop("status", sender=a, answer=True)
        await a.act("deactivate")
        await asyncio.sleep(60)
        assert a.connections[0].is_owed, "this peer echoes what was, and never what is"
