"""Abuse of envelopes (protocol section 8): forged, malformed, extreme and replayed ones, between running nodes."""

import asyncio

import msgpack
import pytest

from node.connections import purging
from node.connections.speaking import answer, question
from node.ports import HttpAnswer
from node.store import statements
from protocol.envelope import CONTENT_TYPE, MESSAGE_DOMAIN, envelope_bytes, open_message, peek, seal
from protocol.limits import COUNTER_LIMIT, JUMP_LIMIT
from protocol.packing import pack
from protocol.vocabulary import Echo, Kind, Phase, Reason, Role, Side, Statement
from tests.node.envelopes import STRANGER, by_destination, tell
from tests.node.local_nodes import running_node


@pytest.fixture
async def a(tmp_path):
    async with running_node(tmp_path / "a", name="a") as node:
        yield node


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


async def active(a, b, **more):
    offered = await a.initiate(b, **more)
    sys_id = offered["connection"]["sys_id"]
    await b.accept(offered["invitation_code"])
    for node in (a, b):
        await node.until(sys_id, "active")
    return sys_id


def stored(node, sys_id):
    return node.node.context.store.run(lambda tx: statements.find_by_sys_id(tx, sys_id))


def everything(node):
    def unit(tx):
        rows = tx.exec_driver_sql("SELECT * FROM connections ORDER BY n").all()
        return [tuple(row) for row in rows], tx.exec_driver_sql("SELECT count(*) FROM notices").scalar()

    return node.node.context.store.run(unit)


def forged_refusals(asked, source):
    """Answers that would close the connection, each with what makes it none."""
    key = source.node.context.identity.signing_key
    closed = Statement(serial=asked.statement.serial, side=Side(9, Phase.CLOSED, reason=Reason.REFUSED))

    def said(*, by=key, recipient=asked.sender, reply_to=asked.message_id, connection=asked.connection):
        return seal(
            closed, kind=Kind.STATUS, role=Role.SOURCE, recipient=recipient, connection=connection, time_ms=1,
            in_reply_to=reply_to, key=by,
        )  # fmt: skip

    wrong = {
        "by another key": said(by=STRANGER),
        "to another question": said(reply_to=b"q" * 32),
        "to another recipient": said(recipient=STRANGER.public),
        "about another connection": said(connection=b"c" * 16),
        "a question": said(reply_to=None),
    }
    return {why: envelope_bytes(sealed) for why, sealed in wrong.items()} | {
        "not signed": pack([said().body, bytes(64)]),
        "a good one": envelope_bytes(said()),
    }


async def refused_by(a, b, why):
    """Accept, while every answer is replaced by that one; the connection at b after two of them."""
    offered = await a.initiate(None, ask_me=False)
    sys_id, given = offered["connection"]["sys_id"], []

    async def forging(url, body, *, content_type):
        given.append(why)
        forged = forged_refusals(open_message(peek(body)), a)[why]
        return HttpAnswer(status=200, headers={"content-type": CONTENT_TYPE}, body=forged)

    post, b.node.context.network.post = b.node.context.network.post, forging
    await b.accept(offered["invitation_code"])
    while len(given) < 2 and (await b.connection(sys_id))["owed"]:
        await b.admin("POST", f"/connections/{sys_id}/retry", {})
        await asyncio.sleep(0.02)
    seen = await b.connection(sys_id)
    b.node.context.network.post = post
    return sys_id, seen


@pytest.mark.parametrize("why", ["by another key", "to another question", "to another recipient",
                                 "about another connection", "a question", "not signed"])  # fmt: skip
async def test_forged_refusal_is_no_answer_and_changes_nothing(a, b, why):
    sys_id, seen = await refused_by(a, b, why)
    assert (seen["status"], seen["owed"], seen["theirs"]) == ("accepting", True, None)
    assert seen["waiting"]["cause"] == "other-node"
    await b.admin("POST", f"/connections/{sys_id}/retry", {})
    await b.until(sys_id, "active", tries=1500)


async def test_the_same_refusal_is_taken_when_nothing_of_it_is_forged(a, b):
    _, seen = await refused_by(a, b, "a good one")
    assert (seen["status"], seen["reason"]) == ("closed", "refused")


def nested(depth):
    return b"\x91" * depth + b"\x01"


BROKEN_BODIES = {
    "nothing": b"",
    "no array": msgpack.packb(7),
    "deep nesting": nested(10_000),
    "deep nesting in the tail": None,
    "a huge length": b"\xdd\xff\xff\xff\xff",
    "a huge map": b"\xdf\xff\xff\xff\xff",
    "a huge binary": b"\xc6\xff\xff\xff\xff",
    "an extension": b"\xc7\x01\x05x",
    "a time stamp": b"\xd6\xff\x00\x00\x00\x00",
    "a reserved byte": b"\xc1",
    "a cut array": b"\x9f\x01",
}


@pytest.mark.parametrize("signed", [False, True], ids=["outside", "inside a signed envelope"])
async def test_malformed_corpus_of_shapes_is_400_and_leaves_no_row(a, signed):
    for case, given in BROKEN_BODIES.items():
        content = given
        if content is None:
            good = by_destination(a, b"c" * 16, Statement(serial=1, side=Side(0, Phase.NONE)))
            content = b"\xdc" + (len(good.fields) + 1).to_bytes(2, "big")
            content += b"".join(msgpack.packb(field) for field in good.fields) + nested(2_000)
        data = pack([content, STRANGER.sign(MESSAGE_DOMAIN, content)]) if signed else content
        answered = await tell(a, data)
        assert answered.status == 400, (case, answered)
        assert b"Traceback" not in answered.body, case
        assert await everything(a) == ([], 0), case


BROKEN_FIELDS = [
    *((position, 1.5) for position in (0, 6, 8, 9)),
    *((position, 2**64 - 1) for position in (0, 6, 8, 9)),
    *((position, -(2**63)) for position in (6, 8, 9)),
    *((position, float("nan")) for position in (6, 8, 9)),
    *((position, None) for position in (0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11)),
    *((position, True) for position in (6, 8, 9)),
    *((position, {}) for position in range(16)),
    (13, [2**53, "active", True]),
    (14, b""),
    (15, ["details"] * 300),
]


async def test_malformed_corpus_of_signed_fields_is_400_and_leaves_no_row(a):
    sealed = by_destination(a, b"c" * 16, Statement(serial=1, side=Side(0, Phase.NONE)))
    for position, value in BROKEN_FIELDS:
        fields = list(sealed.fields)
        fields[position] = value
        body = msgpack.packb(fields)
        answered = await tell(a, pack([body, STRANGER.sign(MESSAGE_DOMAIN, body)]))
        assert answered.status == 400, (position, value, answered)
        assert await everything(a) == ([], 0), (position, value)


@pytest.mark.parametrize("text", [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"])
async def test_malformed_corpus_of_bad_utf_8_is_400_and_leaves_no_row(a, text):
    sealed = by_destination(a, b"c" * 16, Statement(serial=1, side=Side(0, Phase.NONE)))
    packed = [msgpack.packb(field) for field in sealed.fields]
    for place in (1, 10, len(packed)):
        parts = [*packed, b""]
        parts[place] = bytes((0xA0 | len(text),)) + text
        parts = [part for part in parts if part]
        body = b"\xdc" + len(parts).to_bytes(2, "big") + b"".join(parts)
        answered = await tell(a, pack([body, STRANGER.sign(MESSAGE_DOMAIN, body)]))
        assert answered.status == 400, (place, answered)
    assert await everything(a) == ([], 0)


async def said_by_b(a, b, sys_id, side, echo=None):
    """A statement that b's own key signs, though its machine would never say it."""
    connection = await stored(b, sys_id)
    honest = question(b.node.context, connection, a.node.context.key)
    message = open_message(honest)
    statement = message.statement
    lie = Statement(
        serial=statement.serial,
        side=side,
        echo=echo or statement.echo,
        proof=statement.proof,
        details=statement.details,
    )
    sealed = seal(
        lie, kind=Kind.STATUS, role=Role.DESTINATION, recipient=a.node.context.key, connection=connection.connection_id,
        time_ms=1, in_reply_to=None, key=b.node.context.identity.signing_key,
    )  # fmt: skip
    return await tell(a, envelope_bytes(sealed))


async def test_revision_max_a_partner_moves_its_own_switch_only(a, b):
    sys_id = await active(a, b)
    last = COUNTER_LIMIT - 1
    assert (await said_by_b(a, b, sys_id, Side(last, Phase.ACCEPTED, enabled=False))).status == 200
    assert (await a.connection(sys_id))["status"] == "deactivated-there"
    for echo in (Echo(last, Phase.ACTIVE, enabled=False), Echo(JUMP_LIMIT, Phase.CLOSED, enabled=False)):
        assert (await said_by_b(a, b, sys_id, Side(last, Phase.ACCEPTED, enabled=False), echo)).status == 200
    mine = (await a.connection(sys_id))["mine"]
    assert mine["revision"] < JUMP_LIMIT
    assert (mine["phase"], mine["enabled"]) == ("active", True)
    for act, enabled in (("deactivate", False), ("activate", True)):
        status, answered = await a.admin("POST", f"/connections/{sys_id}/{act}", {})
        assert (status, answered["connection"]["mine"]["enabled"]) == (200, enabled)


async def test_revision_max_and_more_is_malformed_and_no_failure(a, b):
    sys_id = await active(a, b)
    before = await a.connection(sys_id)
    connection = await stored(b, sys_id)
    honest = question(b.node.context, connection, a.node.context.key)
    key = b.node.context.identity.signing_key
    for position, value in ((8, 2**53), (9, 2**53), (9, 2**64 - 1), (13, [2**53, "active", True])):
        fields = list(honest.fields)
        fields[position] = value
        body = msgpack.packb(fields)
        assert (await tell(a, pack([body, key.sign(MESSAGE_DOMAIN, body)]))).status == 400
    assert await a.connection(sys_id) == before


async def test_cross_kind_the_signature_of_a_code_signs_no_message(a, b):
    from protocol.identity import INVITATION_DOMAIN

    sys_id = await active(a, b)
    honest = question(b.node.context, await stored(b, sys_id), a.node.context.key)
    key = b.node.context.identity.signing_key
    assert (await tell(a, pack([honest.body, key.sign(INVITATION_DOMAIN, honest.body)]))).status == 400
    assert (await tell(a, pack([honest.body, key.sign(MESSAGE_DOMAIN, honest.body)]))).status == 200


async def test_replay_all_a_thousand_late_and_repeated_messages_after_removal_and_purge_change_nothing(a, b):
    recorded = []
    for node, other in ((a, b), (b, a)):
        post = node.node.context.network.post

        async def recording(url, body, *, content_type, post=post, other=other, node=node):
            recorded.append((other, body))
            answered = await post(url, body, content_type=content_type)
            recorded.append((node, answered.body))
            return answered

        node.node.context.network.post = recording
    for number in range(3):
        sys_id = await active(a, b, name=f"n{number}")
        for node, other, act, seen in (
            (a, b, "deactivate", "deactivated-there"),
            (a, b, "activate", "active"),
            (b, a, "deactivate", "deactivated-there"),
            (b, a, "activate", "active"),
            (b, a, "remove", "closed"),
        ):
            assert (await node.admin("POST", f"/connections/{sys_id}/{act}", {}))[0] == 200
            await other.until(sys_id, seen)
        for node in (a, b):
            while (await node.connection(sys_id))["owed"]:
                await asyncio.sleep(0.02)
            await node.admin("POST", f"/connections/{sys_id}/remove", {})
    for node in (a, b):
        node.clock.ahead_s = 40 * 24 * 3600
        await purging.purge(node.node.context)
    before = [await everything(node) for node in (a, b)]
    assert before[0] == ([], 0), "the source's tombstones went"
    assert len(before[1][0]) == 3, "the destination's stay"
    questions = [(node, body) for node, body in recorded if peek(body).head.in_reply_to is None]
    assert len(questions) >= 18
    sent = 0
    while sent < 1_000:
        for node, body in recorded:
            is_question = peek(body).head.in_reply_to is None
            answered = await tell(node, body)
            assert answered.status in ({200} if is_question else {400, 429})
            sent += 1
    assert [await everything(node) for node in (a, b)] == before


async def test_an_answer_that_comes_late_is_no_question(a, b):
    sys_id = await active(a, b)
    asked = open_message(question(b.node.context, await stored(b, sys_id), a.node.context.key))
    late = answer(a.node.context, asked, Statement(serial=1, side=Side(0, Phase.CLOSED, reason=Reason.UNKNOWN)))
    assert (await tell(b, envelope_bytes(late))).status == 400
    assert (await b.connection(sys_id))["status"] == "active"
