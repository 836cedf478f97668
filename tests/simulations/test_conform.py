"""`handclasp conform`: its rules, its report, its command, and some of its stories before a real node."""

from __future__ import annotations

import asyncio
import io
import json
import os
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from aiohttp import web

from node.cli.main import main
from protocol.envelope import Message
from protocol.identity import SigningKey
from protocol.node_info import from_json, to_json
from protocol.tables import DESTINATION_HEARS, SOURCE_HEARS, Act
from protocol.vocabulary import Echo, Kind, Phase, Role, Side, Statement
from simulations.conform import reports, running
from simulations.conform.bench import NotDrivenError
from simulations.conform.drivers import PersonDriver
from simulations.conform.findings import Findings, Outcome, StoryOverError
from simulations.conform.mirror import Mirror
from simulations.conform.rules import UNTRIABLE, rules_of
from tests.node.local_nodes import running_node
from tests.simulations.conforming import conformed


@pytest.mark.parametrize(("role", "table"), [(Role.SOURCE, SOURCE_HEARS), (Role.DESTINATION, DESTINATION_HEARS)])
def test_every_row_of_the_table_is_a_rule(role, table):
    rules = rules_of(role)
    assert {f"{role} {row.number}" for row in table} <= rules.keys()
    assert all(rule.sentence.endswith(".") and rule.section for rule in rules.values())
    assert UNTRIABLE.keys() <= {*rules_of(Role.SOURCE), *rules_of(Role.DESTINATION)}


def found() -> Findings:
    findings = Findings(rules_of(Role.SOURCE))
    findings.story = "a story"
    findings.kept("source 6", "answer")
    findings.kept("source 6")
    findings.broken("source 2", "it says <what> it must not")
    return findings


def test_a_rule_is_broken_once_it_was_broken_and_untried_until_it_was_tried():
    findings = found()
    findings.kept("source 2")
    findings.not_tried("nobody acts", "act approve", "source 6")
    verdicts = {one.rule.name: one for one in findings.verdicts()}
    assert (verdicts["source 6"].outcome, verdicts["source 6"].tried) == (Outcome.KEPT, 2)
    assert (verdicts["source 2"].outcome, verdicts["source 2"].tried) == (Outcome.BROKEN, 2)
    assert verdicts["source 2"].faults == ("a story: it says <what> it must not",)
    assert (verdicts["act approve"].outcome, verdicts["act approve"].why) == (Outcome.NOT_TRIED, "nobody acts")
    assert verdicts["source 7"].why == "no story of this run came to it"


def test_the_report_is_lines_a_document_and_junit():
    verdicts = found().verdicts()
    lines = list(reports.lines(verdicts))
    assert any(line.startswith("broken     §11  source 2 ") for line in lines)
    assert "           a story: it says <what> it must not" in lines
    assert lines[-1].startswith("1 of the 3 rules that were tried is broken; ")
    document = reports.document(verdicts, url="http://x")
    assert (document["url"], document["kept"], document["broken"]) == ("http://x", 2, 1)
    suite = ET.fromstring(reports.junit(verdicts, title="conform <x>"))  # noqa: S314 - our own text
    assert (suite.get("name"), suite.get("failures"), len(suite)) == ("conform <x>", "1", len(verdicts))
    assert [one.text for one in suite.iter("failure")] == ["a story: it says <what> it must not"]
    assert len(list(suite.iter("skipped"))) == document["not_tried"]


def asked(statement: Statement, kind: Kind) -> Message:
    return Message(
        message_id=bytes(32), kind=kind, role=Role.SOURCE, sender=bytes(32), connection=bytes(16),
        time_ms=0, is_answer=False, statement=statement,
    )  # fmt: skip


def test_a_mirror_knows_what_a_question_must_say():
    from protocol.records import SourceRecord

    mirror = Mirror(Role.SOURCE, code=None)
    side = Side(2, Phase.ACTIVE, enabled=True)
    theirs = Side(1, Phase.ACCEPTED, enabled=True)
    mirror.record = SourceRecord(serial=7, mine=side, theirs=theirs, partner=bytes(32), expires_at=9)
    mirror.act(Act.DEACTIVATE, now=1)
    good = Statement(serial=7, side=Side(3, Phase.ACTIVE), echo=theirs.echo)
    assert mirror.question_fault(asked(good, Kind.STATUS)) is None
    for wrong in (
        Statement(serial=8, side=good.side, echo=good.echo),
        Statement(serial=7, side=side, echo=good.echo),
        Statement(serial=7, side=good.side, echo=Echo(1, Phase.ACCEPTED, enabled=False)),
        Statement(serial=7, side=good.side),
        Statement(serial=7, side=good.side, echo=good.echo, proof=bytes(64)),
    ):
        assert "it must say active rev 3 off" in mirror.question_fault(asked(wrong, Kind.STATUS))
    assert mirror.question_fault(asked(good, Kind.INITIATE)) == "its kind must be status, and is initiate"


def test_a_person_is_told_what_to_do_and_may_leave_it_out():
    told = io.StringIO()
    reads, writes = os.pipe()
    os.write(writes, b"\nhandclasp_x\nskip\n")
    os.close(writes)
    person = PersonDriver(told=told, typed=reads)

    async def story():
        await person.accept("handclasp_code")
        assert await person.initiate(name="n", to="http://x", ask_me=True, lifetime_s=60) == "handclasp_x"
        with pytest.raises(NotDrivenError, match="skipped"):
            await person.act(bytes(16), Act.REMOVE)
        with pytest.raises(NotDrivenError, match="nobody is there"):
            await person.decline("handclasp_code")

    asyncio.run(story())
    os.close(reads)
    assert "Accept this invitation code, then press Enter.\nhandclasp_code\n" in told.getvalue()
    assert "Initiate a connection 'n' to http://x, asking you before activation, with a code" in told.getvalue()


async def test_a_real_node_keeps_what_some_stories_try_and_the_command_says_so(tmp_path, capsys, monkeypatch):
    async with running_node(tmp_path / "n") as node:
        monkeypatch.setenv("HANDCLASP_TOKEN", node.token)
        stories = ["unknown connections", "refused envelopes", "decline"]
        command = ["conform", node.url, "--as", "destination", "--driver", node.url, "--json"]
        command += ["--junit", str(tmp_path / "report.xml"), *(f"--story={one}" for one in stories)]
        assert await asyncio.to_thread(main, command) == 0
    told = capsys.readouterr().out
    document = json.loads(told[told.index("\n{\n") :])  # the node's log comes before it
    outcomes = {rule["rule"]: rule["outcome"] for rule in document["rules"]}
    assert (document["role"], document["broken"]) == ("destination", 0)
    for rule in ("refuses malformed", "destination 3", "destination 6c", "act decline-code", "echoed", "proof"):
        assert outcomes[rule] == "kept", rule
    assert outcomes["destination 9"] == "not tried"
    assert 'failures="0"' in (tmp_path / "report.xml").read_text(encoding="utf-8")


async def test_a_real_source_keeps_what_a_story_tries(tmp_path):
    async with running_node(tmp_path / "n") as node:
        verdicts = await conformed(node.url, node.token, Role.SOURCE, ["cancel that overtakes", "handshake"])
    assert [one.faults for one in verdicts.values() if one.faults] == []
    assert all(verdicts[f"source {row}"].tried for row in ("2", "3", "3a", "6", "7", "11", "12", "13", "14", "15"))


class YesMan:
    """A server that shows a node's info and says yes to everything."""

    def __init__(self, info: bytes) -> None:
        self.info = info

    async def answer(self, request):
        body = self.info if request.method == "GET" else b""
        return web.Response(body=body, content_type="application/json")


async def test_what_only_looks_like_a_node_breaks_the_rules(tmp_path, capsys):
    async with running_node(tmp_path / "n") as node:
        info = await node.http.get(f"{node.url}/.well-known/handclasp")
        shown = replace_key(await info.read())
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", YesMan(shown).answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    command = ["conform", url, "--as", "source", "--story", "refused envelopes", "--story", "unknown connections"]
    assert await asyncio.to_thread(main, command) == 1
    await runner.cleanup()
    told = capsys.readouterr().out
    assert "broken     §6   refuses malformed " in told
    assert "refused envelopes: a map is answered with HTTP 200 instead of 400" in told
    assert "broken     §7   answer " in told


def replace_key(data: bytes) -> bytes:
    import msgspec

    return to_json(msgspec.structs.replace(from_json(data), key=SigningKey(b"y" * 32).public))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["http://127.0.0.1:9", "--as", "source"], "There is no node at http://127.0.0.1:9"),
        (["ftp://x", "--as", "source"], "URL of the implementation"),
        (["http://127.0.0.1:9", "--as", "nothing"], "nothing"),
        (["http://127.0.0.1:9", "--as", "source", "--listen", "here"], "no host and port"),
        (["http://127.0.0.1:9", "--as", "source", "--listen", "192.0.2.1:0"], "can't listen at 192.0.2.1:0 ("),
        (["http://127.0.0.1:9", "--as", "source", "--story", "decline"], "no story 'decline' of a source"),
        (["http://127.0.0.1:9", "--as", "source", "--token-file", "t"], "belongs to --driver"),
    ],
)
def test_wrong_usage_ends_in_2_with_a_sentence(arguments, said, capsys, monkeypatch):
    monkeypatch.delenv("HANDCLASP_TOKEN", raising=False)
    assert main(["conform", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_story_ends_where_a_rule_is_broken():
    findings = Findings(rules_of(Role.SOURCE))
    findings.story = "s"
    error = findings.over("answer", "nothing")
    assert isinstance(error, StoryOverError)
    findings.untried(str(error))
    verdicts = {one.rule.name: one for one in findings.verdicts()}
    assert verdicts["source 6"].why == "the story 's' ended where 'answer' was broken"
    assert replace(verdicts["answer"], tried=1).faults == ("s: nothing",)


def test_both_roles_have_stories():
    assert set(running.STORIES) == set(Role)
