"""An admin is told of each time that a node's memory became an older one."""

from contextlib import asynccontextmanager

import pytest

from node import words
from node.backups import putting_back, taking
from protocol.identity import SigningKey, fingerprint
from protocol.invitation import read_code
from protocol.vocabulary import Echo, Kind, Phase, Side, Statement
from tests.node.console_visits import Visit
from tests.node.envelopes import acceptance, ask, by_destination, details
from tests.node.local_nodes import running_node

PARTNER = SigningKey(b"p" * 32)
TAKEN_AT = (1_700_000_000, 1_700_086_400)


@asynccontextmanager
async def admin_of(data):
    async with running_node(data) as node, Visit(node) as visit:
        await visit.sign_in()
        yield visit


async def test_each_restore_leaves_a_notice_of_its_own(tmp_path):
    data = tmp_path / "a"
    for number, taken_at in enumerate(TAKEN_AT):
        file = tmp_path / f"{number}.backup"
        async with running_node(data) as node:
            key = node.node.context.key
            taking.take(data, file, key=key, now=taken_at)
        putting_back.put_back(file, data, key=key)
    for _ in range(2):  # a start that restores nothing tells nothing
        async with admin_of(data) as admin:
            _, page = await admin.get("/console/notifications")
            assert page.source.count("A backup of this node was put back") == len(TAKEN_AT)
            for taken_at in TAKEN_AT:
                assert words.day_and_time(taken_at) in page.source


@pytest.fixture
async def source(tmp_path):
    async with running_node(tmp_path / "a") as node:
        yield node


async def test_older_data_are_told_again_when_they_are_found_again(source):
    offered = await source.initiate(None, ask_me=False)
    await ask(source, acceptance(source, offered["invitation_code"], PARTNER, details()), PARTNER)
    code = read_code(offered["invitation_code"]).invitation
    told = []
    for echo in (7, 20):
        source.clock.ahead_s += 3600
        ahead = Statement(
            serial=code.serial,
            side=Side(1, Phase.ACCEPTED, enabled=True),
            echo=Echo(echo, Phase.ACTIVE, enabled=True),
            proof=bytes(64),
            details=details(),
        )
        await ask(source, by_destination(source, code.connection, ahead, kind=Kind.ACCEPT, key=PARTNER), PARTNER)
        _, shown = await source.admin("GET", f"/connections/{offered['connection']['sys_id']}")
        told += [(one["kind"], one["about"], one["at"]) for one in shown["notices"]]
    assert [one[:2] for one in told] == [("older_data", fingerprint(PARTNER.public))] * 2
    assert words.unix_s(told[1][2]) - words.unix_s(told[0][2]) >= 3600
