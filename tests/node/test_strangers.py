"""What strangers, thieves and replays achieve against running nodes: nothing (protocol section 8)."""

import asyncio

import pytest

from node.connections.speaking import question
from node.ports import HttpAnswer
from node.store import statements
from protocol.envelope import CONTENT_TYPE, Message, envelope_bytes, peek, read_answer, seal
from protocol.identity import SigningKey
from protocol.invitation import Invitation, read_code, write_code
from protocol.modes import Mode
from protocol.vocabulary import Kind, Phase, Reason, Role, Side, Statement
from tests.node.local_nodes import LocalNode, running_node


@pytest.fixture
async def a(tmp_path):
    async with running_node(tmp_path / "a", name="a") as node:
        yield node


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


async def tell(node: LocalNode, data: bytes, *, content_type: str = CONTENT_TYPE) -> HttpAnswer:
    async with node.http.post(f"{node.url}/peer", data=data, headers={"Content-Type": content_type}) as answer:
        return HttpAnswer(status=answer.status, headers=dict(answer.headers), body=await answer.read())


async def ask(node: LocalNode, sealed, key: SigningKey) -> Message:
    answer = await tell(node, envelope_bytes(sealed))
    assert answer.status == 200, answer
    return read_answer(answer.body, me=key.public, question=sealed)


async def outcome_of(node: LocalNode, code: str) -> str:
    status, answer = await node.accept(code)
    assert status == 422, answer
    assert answer["type"] == "/problems/code-refused"
    return answer["outcome"]


async def shake_hands(a: LocalNode, b: LocalNode, **more) -> str:
    answer = await a.initiate(b, **more)
    sys_id = answer["connection"]["sys_id"]
    status, accepted = await b.accept(answer["invitation_code"])
    assert (status, accepted["connection"]["sys_id"]) == (201, sys_id)
    await b.until(sys_id, "active")
    await a.until(sys_id, "active")
    return sys_id


STRANGER = SigningKey(b"e" * 32)


def statement_of(node: LocalNode, connection: bytes, side: Side, serial: int, **fields):
    return seal(
        Statement(serial=serial, side=side, **fields),
        kind=Kind.STATUS,
        role=Role.DESTINATION,
        recipient=node.node.context.key,
        connection=connection,
        time_ms=1,
        in_reply_to=None,
        key=STRANGER,
    )


async def test_decline_stranger_has_no_effect_and_learns_nothing(a, b):
    answer = await a.initiate(b)
    invitation = read_code(answer["invitation_code"]).invitation
    for phase, reason in ((Phase.CLOSED, Reason.DECLINED), (Phase.ANNOUNCED, None)):
        forged = statement_of(a, invitation.connection, Side(1, phase, reason=reason), invitation.serial)
        told = await ask(a, forged, STRANGER)
        assert told.statement.side == Side(0, Phase.CLOSED, reason=Reason.BAD_PROOF)
        assert told.statement.echo is None
    assert (await a.connection(answer["connection"]["sys_id"]))["status"] == "pending"


async def test_code_re_signed_by_an_attacker_is_not_known_at_the_source(a, b):
    genuine = read_code((await a.initiate(None))["invitation_code"])
    thief = SigningKey(b"t" * 32)
    forged = write_code(
        Invitation(
            **{field: getattr(genuine.invitation, field) for field in Invitation.__struct_fields__}
            | {"source_key": thief.public}
        ),
        thief,
        genuine.seed,
    )
    status, answer = await b.accept(forged)
    assert status == 201
    sys_id = answer["connection"]["sys_id"]
    for _ in range(200):
        waiting = (await b.connection(sys_id))["waiting"]
        if waiting is not None:
            break
        await asyncio.sleep(0.02)
    assert waiting["cause"] == "other-node"
    assert (await a.connection(genuine.invitation.connection.hex()))["status"] == "pending"


async def test_cross_connection_a_body_of_one_changes_no_other(a, b):
    first = await shake_hands(a, b, name="first")
    second = await shake_hands(a, b, name="second")
    before = await a.connection(second)
    closing = await b.node.context.store.run(lambda tx: statements.find_by_sys_id(tx, first))
    sealed = question(b.node.context, closing, a.node.context.key)
    moved = bytearray(envelope_bytes(sealed))
    place = moved.find(bytes.fromhex(first))
    moved[place : place + 16] = bytes.fromhex(second)
    assert (await tell(a, bytes(moved))).status == 400
    assert await a.connection(second) == before


async def test_reflect_a_node_refuses_its_own_message(a, b):
    sys_id = await shake_hands(a, b)
    mine = await a.node.context.store.run(lambda tx: statements.find_by_sys_id(tx, sys_id))
    sealed = question(a.node.context, mine, b.node.context.key)
    assert (await tell(a, envelope_bytes(sealed))).status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Type": f"{CONTENT_TYPE}x"}, 415),
        ({"Content-Type": f"{CONTENT_TYPE.upper()}; q=1"}, 413),
        ({"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": CONTENT_TYPE}, 413),
    ],
)
async def test_a_carrier_that_is_wrong_is_refused_before_the_body_is_read(a, headers, status):
    async with a.http.post(f"{a.url}/peer", data=b"\x90" * 20_000, headers=headers) as answer:
        assert answer.status == status


async def test_a_message_of_unknown_length_is_refused(a):
    async def chunks():
        yield b"\x90"

    async with a.http.post(f"{a.url}/peer", data=chunks(), headers={"Content-Type": CONTENT_TYPE}) as answer:
        assert answer.status == 411


async def test_replay_all_recorded_messages_change_nothing(a, b, monkeypatch):
    recorded: list[tuple[LocalNode, bytes]] = []
    for node, other in ((a, b), (b, a)):
        post = node.node.context.network.post

        async def recording(url, body, *, content_type, post=post, other=other):
            recorded.append((other, body))
            return await post(url, body, content_type=content_type)

        monkeypatch.setattr(node.node.context.network, "post", recording)
    sys_id = await shake_hands(a, b)
    before = [await node.connection(sys_id) for node in (a, b)]
    assert {peek(body).head.kind for _, body in recorded} == {"initiate", "accept"}
    for node, body in recorded * 3:
        assert (await tell(node, body)).status == 200
    assert [await node.connection(sys_id) for node in (a, b)] == before


async def test_an_announced_id_keeps_no_other_source_from_using_it(a, b):
    answer = await a.initiate(None, ask_me=False)
    invitation = read_code(answer["invitation_code"]).invitation
    from protocol.vocabulary import Preview

    squatter = seal(
        Statement(
            serial=int(b.clock.now()),
            side=Side(1, Phase.PENDING),
            details=Preview("squat", "s", "b", Mode.SCRIPT, None, int(b.clock.now()) + 60),
        ),
        kind=Kind.INITIATE,
        role=Role.SOURCE,
        recipient=b.node.context.key,
        connection=invitation.connection,
        time_ms=1,
        in_reply_to=None,
        key=STRANGER,
    )
    await ask(b, squatter, STRANGER)
    status, accepted = await b.accept(answer["invitation_code"])
    assert status == 201
    await b.until(accepted["connection"]["sys_id"], "active")
    await a.until(answer["connection"]["sys_id"], "active")
