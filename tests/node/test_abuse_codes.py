"""Abuse of invitation codes (protocol section 8): read by others, edited, replaced, reused, between running nodes."""

import asyncio
from types import SimpleNamespace

import msgpack
import msgspec
import pytest

from protocol import code_format
from protocol.code_format import Parts
from protocol.envelope import envelope_bytes, peek
from protocol.identity import fingerprint
from protocol.invitation import Code, Invitation, read_code, write_code
from protocol.proof import make_proof
from protocol.vocabulary import Details, Kind, Phase, Reason, Side, Statement
from tests.node.envelopes import STRANGER, acceptance, ask, by_destination, details, tell
from tests.node.local_nodes import running_node


@pytest.fixture
async def a(tmp_path):
    async with running_node(tmp_path / "a", name="a") as node:
        yield node


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


def accepting(node, code: Code, *, node_id=b"n" * 16, proof=None):
    """The accept of a stranger who holds a code, made without any node."""
    invitation = code.invitation
    proof = proof or make_proof(
        code.key,
        connection=invitation.connection,
        serial=invitation.serial,
        source_key=invitation.source_key,
        destination_key=STRANGER.public,
        public_digest=code.public_digest,
    )
    details = Details(node_id, "stranger", None, None, "x", "a", "b", "software")
    side = Side(1, Phase.ACCEPTED, enabled=True)
    said = Statement(serial=invitation.serial, side=side, proof=proof, details=details)
    return by_destination(node, invitation.connection, said, kind=Kind.ACCEPT)


async def test_mail_reader_bound_learns_that_it_is_not_for_him_and_the_addressee_still_can(a, b):
    offered = await a.initiate(b)
    sys_id, code = offered["connection"]["sys_id"], read_code(offered["invitation_code"])
    thief = accepting(a, code, node_id=b.node.context.identity.node_id)
    for _ in range(3):
        told = await ask(a, thief, STRANGER)
        assert told.statement.side == Side(0, Phase.CLOSED, reason=Reason.NOT_FOR_YOU)
    assert (await a.connection(sys_id))["status"] == "pending"
    await b.accept(offered["invitation_code"])
    await b.until(sys_id, "active")
    assert (await a.until(sys_id, "active"))["partner"]["fingerprint"] == fingerprint(b.node.context.key)


async def test_stolen_seed_other_source_can_not_pass_the_accept_on(a, b, tmp_path):
    """M makes a code of its own with the seed, connection and serial of S's, and forwards what D says to M."""
    genuine = read_code((await a.initiate(None, ask_me=False))["invitation_code"])
    sys_id = genuine.invitation.connection.hex()
    async with running_node(tmp_path / "m", name="m") as m:
        key = m.node.context.identity.signing_key
        fields = msgspec.structs.asdict(genuine.invitation) | {"source_key": key.public, "node_url": m.url}
        lure = write_code(Invitation(**fields), key, genuine.seed)
        post, said = b.node.context.network.post, []

        async def overheard(url, body, *, content_type):
            said.append(body)
            return await post(url, body, content_type=content_type)

        b.node.context.network.post = overheard
        assert (await b.accept(lure))[0] == 201
        await b.until(sys_id, "closed")
        assert (await tell(a, said[0])).status == 400, "it is for M, and says so under D's signature"
        stolen = accepting(a, genuine, proof=peek(said[0]).fields[14])
        told = await ask(a, stolen, STRANGER)
        assert told.statement.side.reason is Reason.BAD_PROOF, "D's proof is for D and for M"
    assert (await a.connection(sys_id))["status"] == "pending"


def edited(code: str, **changes) -> str:
    """A code with other fields and repaired checksums, under the old signature."""
    read, parts = read_code(code), parts_of(code)
    packed = msgpack.packb(list((msgspec.structs.asdict(read.invitation) | changes).values()))
    return code_format.encode(
        Parts(head=code_format.encode_head(packed), packed=packed, signature=parts.signature, seed=read.seed)
    )


def parts_of(code: str) -> Parts:
    characters = code.removeprefix(code_format.PREFIX)
    return code_format.decode(characters, code_format.decode_head(characters))


@pytest.mark.parametrize(
    "changes", [{"mode": "basic"}, {"name": "other"}, {"expires_at": 2_000_000_000}, {"bound": None}]
)
async def test_code_edited_is_forged_and_nothing_is_sent(a, b, monkeypatch, changes):
    code = (await a.initiate(b))["invitation_code"]
    called = []

    async def call(url, *_, **__):
        called.append(url)
        raise ConnectionRefusedError

    monkeypatch.setattr(b.node.context.network, "post", call)
    monkeypatch.setattr(b.node.context.network, "get", call)
    for path in ("accept", "decline", "show"):
        status, problem = await b.admin("POST", f"/invitations/{path}", {"code": edited(code, **changes)})
        assert (status, problem["outcome"]) == (422, "forged")
    await asyncio.sleep(0.1)
    assert called == []


async def test_code_repointed_shows_another_host_and_key_and_warns(a, b, tmp_path):
    offered = await a.initiate(b)
    genuine = read_code(offered["invitation_code"]).invitation
    await b.until(offered["connection"]["sys_id"], "invited")

    async def shown(code):
        status, answer = await b.admin("POST", "/invitations/show", {"code": code})
        assert status == 200, answer
        return answer["invitation"]

    honest = await shown(offered["invitation_code"])
    assert (honest["source"]["node_url"], honest["another_key"]) == (a.url, False)
    async with running_node(tmp_path / "m", name="m") as m:
        key = m.node.context.identity.signing_key
        fields = msgspec.structs.asdict(genuine) | {"source_key": key.public, "node_url": m.url}
        lure = await shown(write_code(Invitation(**fields), key, bytes(16)))
        assert lure["source"]["node_url"] == m.url
        assert lure["source"]["fingerprint"] == fingerprint(key.public) != honest["source"]["fingerprint"]
        assert lure["another_key"], "this connection was announced with another key"
        at_known_url = msgspec.structs.asdict(genuine) | {"source_key": key.public, "connection": b"c" * 16}
        assert (await shown(write_code(Invitation(**at_known_url), key, bytes(16))))["another_key"]
        own = await m.initiate(b)
        assert not (await shown(own["invitation_code"]))["another_key"], "a stranger alone is nothing to warn of"


async def test_uuid_squat_two_nodes_with_one_uuid_do_not_get_in_each_others_way(a, b):
    squatted = read_code((await a.initiate(None, ask_me=False, name="first"))["invitation_code"])
    stranger = accepting(a, squatted, node_id=b.node.context.identity.node_id)
    assert (await ask(a, stranger, STRANGER)).statement.side.phase is Phase.ACTIVE
    offered = await a.initiate(b, name="second")
    await b.accept(offered["invitation_code"])
    await b.until(offered["connection"]["sys_id"], "active")
    first = await a.connection(squatted.invitation.connection.hex())
    second = await a.until(offered["connection"]["sys_id"], "active")
    assert first["status"] == "active"
    assert first["partner"]["node_id"] == second["partner"]["node_id"]
    assert first["partner"]["fingerprint"] != second["partner"]["fingerprint"]


async def test_small_order_key_in_a_code_is_forged_at_the_node(b):
    invitation = SimpleNamespace(
        connection=b"c" * 16, serial=1, source_id=b"s" * 16, source_key=bytes(32), node_url="http://127.0.0.1:1",
        mode="script", name="n", source_short_name="s", destination_short_name="d",
        expires_at=2_000_000_000, bound=None, versions=[1],
    )  # fmt: skip
    packed = msgpack.packb([getattr(invitation, name) for name in Invitation.__struct_fields__])
    forged = Parts(head=code_format.encode_head(packed), packed=packed, signature=bytes(64), seed=bytes(16))
    status, problem = await b.accept(code_format.encode(forged))
    assert (status, problem["outcome"]) == (422, "forged")


async def test_a_good_code_makes_nobody_a_partner_who_tells_nothing_of_himself(a):
    offered = await a.initiate(None, ask_me=False)
    told = await tell(a, envelope_bytes(acceptance(a, offered["invitation_code"], STRANGER, None)))
    assert (told.status, told.body) == (400, b"An accepted statement carries its details.\n")
    assert (await a.connection(offered["connection"]["sys_id"]))["status"] == "pending"


async def test_what_a_partner_tells_of_himself_is_kept_in_its_normal_form(a):
    offered = await a.initiate(None, ask_me=False)
    told = details(node_url="HTTP://EXAMPLE.com:80/a/", node_name="Zu\u0308rich ")
    await ask(a, acceptance(a, offered["invitation_code"], STRANGER, told), STRANGER)
    partner = (await a.until(offered["connection"]["sys_id"], "active"))["partner"]
    assert (partner["node_url"], partner["name"]) == ("http://example.com/a", "Zürich")
