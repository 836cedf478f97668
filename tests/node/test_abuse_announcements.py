"""Abuse case announcement-spam (protocol section 8): a line on the console is all that a stranger can have, twenty times."""

import asyncio

import pytest

from node.peer import endpoint, rates
from node.peer.endpoint import network_prefix
from node.store import statements
from protocol.envelope import envelope_bytes, seal
from protocol.identity import SigningKey
from protocol.limits import ANNOUNCEMENT_BYTES_MAX, CLOCKS_APART_S_MAX, CODE_LIFETIME_S_MAX
from protocol.modes import Mode
from protocol.vocabulary import Kind, Phase, Preview, Reason, Role, Side, Statement
from tests.node.envelopes import announcement, ask, tell
from tests.node.local_nodes import running_node


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


def spammer(number):
    return SigningKey(number.to_bytes(32, "big"))


def watched_calls(node, monkeypatch):
    """What the node calls, and what it publishes as a trace."""
    called, traced = [], []

    async def call(url, *_, **__):
        called.append(url)
        raise ConnectionRefusedError

    monkeypatch.setattr(node.node.context.network, "get", call)
    monkeypatch.setattr(node.node.context.network, "post", call)
    monkeypatch.setattr(node.node.context.signals, "trace", traced.append)
    return called, traced


async def listed(node):
    return (await node.admin("GET", "/connections"))[1]["connections"]


async def test_announcement_spam_of_a_thousand_keys_leaves_five_lines_an_hour_of_one_network(b, monkeypatch):
    called, _ = watched_calls(b, monkeypatch)
    at = b.clock.now()
    monkeypatch.setattr(b.clock, "_time", lambda: at)  # patience comes back with time, and a slow machine takes more
    for number in range(1_000):
        sealed = announcement(b, spammer(number), connection=number.to_bytes(16), url="http://169.254.169.254")
        answer = await tell(b, envelope_bytes(sealed))
        if number < 5:
            assert answer.status == 200
        else:
            retry_s = endpoint.ANNOUNCEMENTS_RETRY_S if number < rates.REFUSED_BURST_MAX else 1
            assert (answer.status, answer.headers["retry-after"]) == (429, str(retry_s))
    assert [one["status"] for one in await listed(b)] == ["invited"] * 5
    assert called == []
    assert await b.node.context.store.run(statements.broadcast_count) == 0
    b.clock.ahead_s = 3601
    late = announcement(b, spammer(2_000), connection=b"l" * 16)
    assert (await ask(b, late, spammer(2_000))).statement.side.phase is Phase.ANNOUNCED


async def test_announcement_spam_from_many_networks_leaves_twenty_lines_and_three_of_one_key(b, monkeypatch):
    remote = iter(f"10.{number // 256}.{number % 256}.1" for number in range(10_000))
    monkeypatch.setattr(endpoint, "network_prefix", lambda _remote: network_prefix(next(remote)))
    for number in range(5):
        told = await ask(b, announcement(b, spammer(1), connection=number.to_bytes(16)), spammer(1))
        assert told.statement.side.phase is (Phase.ANNOUNCED if number < 3 else Phase.NONE)
    for number in range(100, 300):
        sealed = announcement(b, spammer(number), connection=number.to_bytes(16))
        told = await ask(b, sealed, spammer(number))
        assert told.statement.side.phase is (Phase.ANNOUNCED if number < 117 else Phase.NONE)
    assert len(await listed(b)) == 20


async def test_announcement_spam_replayed_after_it_was_dismissed_stays_dismissed(b):
    sealed = announcement(b, spammer(1), connection=b"c" * 16)
    await ask(b, sealed, spammer(1))
    (line,) = await listed(b)
    for act in ("decline", "remove"):
        assert (await b.admin("POST", f"/connections/{line['sys_id']}/{act}", {}))[0] == 200
    for _ in range(20):
        assert (await ask(b, sealed, spammer(1))).statement.side.phase is Phase.CLOSED
    assert await listed(b) == []


@pytest.mark.parametrize(
    ("ahead_s", "phase"),
    [
        (CODE_LIFETIME_S_MAX + CLOCKS_APART_S_MAX - 60, Phase.ANNOUNCED),
        (CODE_LIFETIME_S_MAX + CLOCKS_APART_S_MAX + 60, Phase.NONE),
        (1_000 * 365 * 86_400, Phase.NONE),
    ],
)
async def test_announcement_spam_holds_no_place_for_longer_than_a_code_lives(b, ahead_s, phase):
    expires_at = int(b.clock.now()) + ahead_s
    sealed = announcement(b, spammer(1), connection=b"c" * 16, serial=expires_at - 60, expires_at=expires_at)
    assert (await ask(b, sealed, spammer(1))).statement.side.phase is phase
    assert len(await listed(b)) == (phase is Phase.ANNOUNCED)


@pytest.mark.parametrize("serial", [7, 2**53 - 1])
async def test_announcement_spam_with_an_expiry_that_is_no_date_is_malformed(b, serial):
    sealed = announcement(b, spammer(1), connection=b"c" * 16, serial=serial, expires_at=2**53 - 1)
    assert (await tell(b, envelope_bytes(sealed))).status == 400
    assert await listed(b) == []


def said_anew(node, first, phase, *, newer=0, revision=1):
    """One more word of the spammer on the connection that it announced first, under a higher serial or revision."""
    expires_at = int(node.clock.now()) + 3600
    side = Side(revision, phase, reason=Reason.WITHDRAWN if phase is Phase.CLOSED else None)
    preview = Preview("spam", "s", "b", Mode.SCRIPT, None, expires_at) if phase is Phase.PENDING else None
    return seal(
        Statement(serial=first.fields[8] + newer, side=side, details=preview),
        kind=Kind.INITIATE if phase is Phase.PENDING else Kind.STATUS,
        role=Role.SOURCE, recipient=node.node.context.key, connection=b"c" * 16, time_ms=1, in_reply_to=None,
        key=spammer(1),
    )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([{"phase": Phase.PENDING, "newer": 1 + number} for number in range(20)], id="row-6"),
        pytest.param([{"phase": Phase.CLOSED, "newer": 1 + number} for number in range(20)], id="row-6b"),
        pytest.param([{"phase": Phase.ACTIVE, "newer": 1 + number} for number in range(20)], id="row-6c"),
        pytest.param([{"phase": Phase.PENDING, "revision": 2 + number} for number in range(20)], id="row-7"),
    ],
)
async def test_announcement_spam_that_says_itself_anew_counts_each_time(b, words):
    first = announcement(b, spammer(1), connection=b"c" * 16)
    await ask(b, first, spammer(1))
    kept, answers = await stored(b), []
    for word in words:
        answers.append((await tell(b, envelope_bytes(said_anew(b, first, **word)))).status)
        changed = await stored(b) != kept
        assert changed == (answers[-1] == 200)
        kept = await stored(b)
    assert answers == [200] * 4 + [429] * 16
    b.clock.ahead_s = 3601
    assert (await tell(b, envelope_bytes(said_anew(b, first, **words[-1])))).status == 200
    assert await stored(b) != kept


@pytest.mark.parametrize("end", [Phase.CLOSED, Phase.ACTIVE])
async def test_announcement_spam_that_ends_itself_publishes_nothing(b, end):
    first = announcement(b, spammer(1), connection=b"c" * 16)
    await ask(b, first, spammer(1))
    assert (await tell(b, envelope_bytes(said_anew(b, first, end, revision=2)))).status == 200
    (line,) = await listed(b)
    assert line["status"] == "closed"
    assert await b.node.context.store.run(statements.broadcast_count) == 0


async def stored(node):
    return await node.node.context.store.run(lambda tx: tx.exec_driver_sql("SELECT * FROM connections").all())


async def test_a_partner_says_itself_anew_as_often_as_it_has_to(b, tmp_path):
    async with running_node(tmp_path / "a", name="a") as a:
        offered = await a.initiate(b, name="partner")
        await b.accept(offered["invitation_code"])
        await a.until(offered["connection"]["sys_id"], "active")
        sys_id = (await a.initiate(b, name="renewed"))["connection"]["sys_id"]
        for _ in range(8):
            status, newer = await a.admin("POST", f"/connections/{sys_id}/new-code", {})
            assert status == 201, newer
            await settled(a, sys_id)
        await b.accept(newer["invitation_code"])
        await b.until(sys_id, "active")


@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 400)])
async def test_announcement_spam_is_small(b, monkeypatch, extra, status):
    from protocol import envelope
    from protocol.packing import pack

    sealed = announcement(b, spammer(1), connection=b"c" * 16)
    tail = ANNOUNCEMENT_BYTES_MAX + extra - len(sealed.body) - 3
    body = pack([*sealed.fields, b"x" * tail])
    assert len(body) == ANNOUNCEMENT_BYTES_MAX + extra
    data = pack([body, spammer(1).sign(envelope.MESSAGE_DOMAIN, body)])
    assert (await tell(b, data)).status == status


async def settled(node, sys_id):
    for _ in range(300):
        if not (await node.connection(sys_id))["owed"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("still owed")


async def test_a_partner_that_announces_a_lot_is_answered_and_owes_nothing(b, tmp_path):
    async with running_node(tmp_path / "a", name="a") as a:
        offered = await a.initiate(b, name="partner")
        await b.accept(offered["invitation_code"])
        await a.until(offered["connection"]["sys_id"], "active")
        for number in range(8):
            sys_id = (await a.initiate(b, name=f"n{number}"))["connection"]["sys_id"]
            await settled(a, sys_id)
            assert number < 5 or (await b.connection(sys_id)) is None, "five an hour"
            await a.admin("POST", f"/connections/{sys_id}/withdraw", {})
            await settled(a, sys_id)


async def test_a_stranger_that_announces_a_lot_has_three_lines_and_its_withdrawals_do_not_wait(b, tmp_path):
    async with running_node(tmp_path / "a", name="a") as a:
        sys_ids = [(await a.initiate(b, name=f"n{number}"))["connection"]["sys_id"] for number in range(20)]
        for _ in range(300):
            lines = await listed(b)
            if len(lines) == 3:
                break
            await asyncio.sleep(0.02)
        await a.admin("POST", f"/connections/{lines[0]['sys_id']}/withdraw", {})
        assert (await b.until(lines[0]["sys_id"], "closed"))["reason"] == "withdrawn"
        assert len({line["sys_id"] for line in lines} & set(sys_ids)) == 3
