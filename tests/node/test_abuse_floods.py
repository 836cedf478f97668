"""Abuse case flood-stranger (protocol section 8): a flood of bad envelopes costs nothing that lasts, and no partner much."""

import asyncio
import hashlib
import re
import subprocess
import sys
import textwrap
import time
import urllib.request

import pytest

from node.peer import rates
from node.peer.endpoint import network_prefix
from protocol.envelope import CONTENT_TYPE, envelope_bytes
from protocol.packing import pack
from protocol.vocabulary import Phase, Reason, Role, Side, Statement
from tests.e2e.processes import NodeProcess, until
from tests.node.envelopes import by_destination, tell
from tests.node.local_nodes import running_node

FLOOD_COUNT = 10_000
HEARD_MIN = 5
"""Acts of the partner, one after the other, that are heard while half as many strangers are turned away."""


@pytest.fixture
async def a(tmp_path):
    async with running_node(tmp_path / "a", name="a") as node:
        yield node


def bad_signature(node):
    sealed = by_destination(node, b"c" * 16, Statement(serial=1, side=Side(0, Phase.NONE)))
    return pack([sealed.body, bytes(64)])


async def flooded(node):
    """Use a network's patience up, and keep the clock where it is: on a slow machine it would come back meanwhile."""
    at = node.clock.now()
    node.clock._time = lambda: at
    for _ in range(rates.REFUSED_BURST_MAX + 5):
        answer = await tell(node, bad_signature(node))
    assert answer.status == 429
    assert answer.headers["retry-after"] == "1"
    return answer


async def test_a_flood_is_turned_away_before_its_body_is_read(a):
    await flooded(a)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(a.url.rpartition(":")[2]))
    writer.write(
        f"POST /peer HTTP/1.1\r\nHost: a\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: 9\r\n\r\n".encode()
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 429 ")
    writer.close()


async def test_no_signature_of_a_flood_is_checked_also_where_a_partner_lives(a, tmp_path, monkeypatch):
    async with running_node(tmp_path / "b", name="b") as b:
        offered = await a.initiate(b)
        sys_id = offered["connection"]["sys_id"]
        await b.accept(offered["invitation_code"])
        await b.until(sys_id, "active")
        await flooded(a)
        checked = []
        monkeypatch.setattr("node.peer.endpoint.verify_signature", checked.append)
        assert (await tell(a, bad_signature(a))).status == 429
        assert checked == []
        monkeypatch.undo()
        await b.admin("POST", f"/connections/{sys_id}/deactivate", {})
        await a.until(sys_id, "deactivated-there", tries=50)


def good_of_a_stranger(node):
    return envelope_bytes(by_destination(node, b"c" * 16, Statement(serial=1, side=Side(0, Phase.NONE))))


async def test_good_envelopes_of_strangers_use_the_patience_up_too(a, monkeypatch):
    at = a.clock.now()
    a.clock._time = lambda: at
    statuses = [(await tell(a, good_of_a_stranger(a))).status for _ in range(rates.REFUSED_BURST_MAX + 5)]
    assert statuses == [200] * rates.REFUSED_BURST_MAX + [429] * 5
    checked = []
    monkeypatch.setattr("node.peer.endpoint.verify_signature", checked.append)
    assert (await tell(a, good_of_a_stranger(a))).status == 429
    assert checked == []


async def test_a_stranger_whose_word_made_a_tombstone_is_no_partner(a):
    closed = Statement(serial=1, side=Side(1, Phase.CLOSED, reason=Reason.WITHDRAWN))
    for _ in range(2):
        tombstone = by_destination(a, b"t" * 16, closed, role=Role.SOURCE)
        assert (await tell(a, envelope_bytes(tombstone))).status == 200
    await flooded(a)
    assert (await tell(a, envelope_bytes(tombstone))).status == 429


async def test_another_network_is_not_turned_away_with_it(a, monkeypatch):
    await flooded(a)
    monkeypatch.setattr("node.peer.endpoint.network_prefix", lambda _remote: network_prefix("203.0.113.9"))
    assert (await tell(a, good_of_a_stranger(a))).status == 200


async def test_patience_comes_back_by_itself(a):
    await flooded(a)
    a.clock.ahead_s += 60
    assert (await tell(a, bad_signature(a))).status == 400


async def half_an_envelope(node):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rpartition(":")[2]))
    writer.write(
        f"POST /peer HTTP/1.1\r\nHost: a\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: 99\r\n\r\nhalf".encode()
    )
    await writer.drain()
    return reader, writer


async def test_an_envelope_that_drips_is_cut(a, monkeypatch):
    monkeypatch.setattr("node.peer.endpoint.REQUEST_S_MAX", 0.2)
    reader, writer = await half_an_envelope(a)
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_sender_that_goes_away_in_the_middle_is_no_failure_of_the_node(a, capfd):
    _, writer = await half_an_envelope(a)
    await asyncio.sleep(0.05)
    writer.close()
    await asyncio.sleep(0.2)
    assert (await tell(a, b"x")).status == 400
    told = capfd.readouterr()
    assert "envelope_refused" in told.out, "the log is seen here"
    assert "request_failed" not in told.out + told.err


FLOODER = textwrap.dedent(
    """
    import asyncio, collections, sys, time

    PIPELINED, LINKS = 20, 25

    async def link(port, requests, counts):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while requests:
            batch = [requests.pop() for _ in range(min(PIPELINED, len(requests)))]
            writer.write(b"".join(batch))
            for _ in batch:
                head = await reader.readuntil(b"\\r\\n\\r\\n")
                counts[head.split(b" ", 2)[1].decode()] += 1
                length = next(int(l.split(b":")[1]) for l in head.split(b"\\r\\n") if l.lower().startswith(b"content-length"))
                await reader.readexactly(length)
        writer.close()

    async def main():
        port, count, kinds = int(sys.argv[1]), int(sys.argv[2]), [bytes.fromhex(each) for each in sys.argv[3:]]
        requests = [kinds[number % len(kinds)] for number in range(count)]
        counts, began = collections.Counter(), time.monotonic()
        await asyncio.gather(*(link(port, requests, counts) for _ in range(LINKS)))
        print(*(f"{status}={number}" for status, number in sorted(counts.items())), f"s={time.monotonic() - began:.2f}")

    asyncio.run(main())
    """
)


def requests_of(node_key):
    """Bad requests, as bytes of HTTP: one for each check that refuses before anything is looked up."""
    sealed = by_destination(
        type("Node", (), {"node": type("N", (), {"context": type("C", (), {"key": node_key})})}),
        b"c" * 16, Statement(serial=1, side=Side(0, Phase.NONE)),
    )  # fmt: skip
    unsigned = pack([sealed.body, bytes(64)])
    bodies = [unsigned, b"\x92garbage", envelope_bytes(sealed)[:-1], pack([sealed.body[:-30], sealed.signature])]

    def http(body, content_type=CONTENT_TYPE):
        return (
            f"POST /peer HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    return [*map(http, bodies), http(unsigned, "application/json")]


def flood(node, key, count):
    return subprocess.Popen(
        [sys.executable, "-c", FLOODER, str(node.port), str(count), *(each.hex() for each in requests_of(key))],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def counts_of(process):
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return {name: float(number) for name, number in (each.split("=") for each in out.split())}


def attempts_of(node):
    """How often the node's messages were answered, and how often not, by cause."""
    with urllib.request.urlopen(f"{node.url}/metrics", timeout=20) as answer:
        page = answer.read().decode()
    found = re.findall(r'^handclasp_delivery_attempts_total\{cause="([\w-]+)"\} ([\d.]+)$', page, re.MULTILINE)
    return {cause: float(count) for cause, count in found if float(count)}


def files_of(node):
    return {name: hashlib.sha256((node.data / name).read_bytes()).hexdigest() for name in ("node.db", "node.db-wal")}


@pytest.mark.slow
def test_flood_stranger_writes_nothing_signs_nothing_and_a_partner_is_served(tmp_path):
    from node.key_file import read_key

    nodes = [NodeProcess(name=name, data=tmp_path / name) for name in ("a", "b")]
    a, b = nodes
    try:
        for node in nodes:
            node.start()
        sys_id, code = a.initiate(b.url)
        b.accept(code)
        for node in nodes:
            node.until_active(sys_id)
        key = read_key(a.data / "node.key").signing_key.public
        time.sleep(0.5)
        before = files_of(a)
        counts = counts_of(flood(a, key, FLOOD_COUNT))
        assert files_of(a) == before, "nothing is written"
        assert "200" not in counts, "nothing is signed"
        assert "500" not in counts
        assert sum(number for status, number in counts.items() if status != "s") == FLOOD_COUNT
        checked = FLOOD_COUNT - counts["429"]
        assert checked <= rates.REFUSED_BURST_MAX + rates.REFUSED_PER_S_MAX * counts["s"] + 1

        flooding = flood(a, key, FLOOD_COUNT // 2)
        heard = 0
        while flooding.poll() is None:
            b.admin("POST", f"/connections/{sys_id}/{'activate' if heard % 2 else 'deactivate'}", {})
            wanted = "active" if heard % 2 else "deactivated-there"
            until(lambda wanted=wanted: a.status(sys_id) == wanted, "the partner is heard")
            heard += 1
        assert "200" not in counts_of(flooding)
        assert heard >= HEARD_MIN
        assert attempts_of(b).keys() == {"answered"}, "the partner's every message was answered at the first try"
        assert a.log.read_text().count("\n") < 200, "a flood fills no log"
    finally:
        for node in nodes:
            node.close()
