"""`replay --html`: one page that needs nothing else, tells all that happened, and can't be made to run anything."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser

import pytest

from node.cli.main import main
from simulations.campaign import live
from simulations.checks.owing import Owing
from simulations.page.page import page_of
from simulations.page.story import GROUPS, Story
from simulations.rows import Rows

EVIL = "</script><img src=https://x.test/ onerror=alert(1)> & \u2028 <!--"


class Page(HTMLParser):
    """What a browser would find in the page."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.texts = {}
        self._inside = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._inside = dict(attributes).get("id", tag)

    def handle_data(self, data):
        self.texts[self._inside] = self.texts.get(self._inside, "") + data

    @property
    def story(self):
        return json.loads(self.texts["story"])


@pytest.fixture(scope="module")
def lived():
    return live(0, is_deep=False)


def test_the_page_loads_nothing_and_forbids_itself_to(lived):
    text = page_of(*lived, command="handclasp replay 0")
    page = Page(text)
    loads = {"src", "href", "srcset", "data", "poster", "action"}
    assert [tag for tag, attributes in page.tags if loads & set(attributes)] == []
    assert not re.search(r"@import|url\(|import\(|fetch\(|XMLHttpRequest|WebSocket", text)
    assert "innerHTML" not in text
    (policy,) = [
        attributes["content"]
        for _, attributes in page.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none';")
    assert [tag for tag, _ in page.tags].count("script") == 2


def test_the_same_world_makes_the_same_page(lived):
    assert page_of(*lived, command="x") == page_of(*live(0, is_deep=False), command="x")


def test_nothing_that_a_world_says_becomes_markup(monkeypatch):
    monkeypatch.setattr(Owing, "committed", lambda self, _host: self.violated(EVIL))
    page = Page(page_of(*live(3, is_deep=False), command=EVIL))
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in page.tags]
    assert page.story["violation"] == f"Owing: {EVIL}"
    assert page.story["command"] == EVIL
    last = page.story["rows"][-1]
    assert (last["mark"], last["text"], last["lane"]) == ("violation", f"Owing: {EVIL}", None)


def story_of(world):
    return Story(world.hosts, world.trace.entries, clients={host.topic_id: host.name for host in world.hosts.values()})


@pytest.fixture(scope="module", params=range(12))
def seeded(request):
    """The world of some seed."""
    return live(request.param, is_deep=False)[0]


def test_every_message_of_the_trace_is_an_arrow_with_the_fate_that_befell_it(seeded):
    world = seeded
    story, entries = story_of(world), world.trace.entries

    def count(what):
        return sum(1 for entry in entries if entry.what == what)

    arrows = [arrow for arrow in story.arrows if arrow.to_lane != "broker"]
    questions = [arrow for arrow in arrows if not arrow.is_answer]
    again = [arrow for arrow in questions if arrow.text.endswith("a second time")]
    assert len(questions) - len(again) == count("asks")
    assert sum(arrow.fate == "arrives" for arrow in questions) == count("receives")
    assert sum(arrow.is_answer and arrow.fate != "impostor" for arrow in arrows) == count("answers")
    assert sum(arrow.is_answer and arrow.fate in {"arrives", "impostor"} for arrow in arrows) == count("is-told")
    for arrow in arrows:
        assert arrow.from_row <= arrow.to_row
        assert {arrow.from_lane, arrow.to_lane} <= set(story.lanes)
    assert {row.group for row in story.rows} <= set(GROUPS)
    assert [row.at_s for row in story.rows] == sorted(row.at_s for row in story.rows)


def test_what_all_rows_change_together_is_how_the_nodes_stand_at_the_end(seeded):
    world = seeded
    held: dict[str, dict[str, str]] = {}
    for row in story_of(world).rows:
        if "memory" in row.changes:
            host, memory = row.changes["memory"]
            held[host] = {f"{facts['connection']} {facts['role']}": facts["mine"] for facts in memory}
        if "record" in row.changes:
            host, facts = row.changes["record"]
            held.setdefault(host, {})[f"{facts['connection']} {facts['role']}"] = facts.get("mine")
    for host in world.hosts.values():
        with closing(sqlite3.connect(":memory:")) as link:
            link.deserialize(host.image)
            rows = list(Rows(link, set()).known.values())
        for row in rows:
            mine = held[host.name][f"{world.network.label(row.connection)} {row.role}"]
            assert mine == f"{row.phase} {row.revision}{' on' if row.enabled else ''}"


def test_faults_that_struck_lead_to_the_row_where_they_did(lived):
    world, outcome = lived
    story = story_of(world)
    found = [name for name in outcome.struck if name in story.faults]
    assert len(found) >= len(outcome.struck) / 2
    for name in found:
        kind = name.partition(":")[0]
        row = story.rows[story.faults[name]]
        assert row.text.startswith(kind) or row.mark in {"crash", "clock"}


def test_the_command_writes_the_page_and_says_where(tmp_path, capsys):
    path = tmp_path / "world.html"
    assert main(["replay", "3", "--html", str(path)]) == 0
    assert path.as_uri() in capsys.readouterr().out
    assert Page(path.read_text(encoding="utf-8")).story["seed"] == 3


def test_a_page_that_can_not_be_written_is_told_with_what_to_do(tmp_path, capsys):
    assert main(["replay", "3", "--html", str(tmp_path / "nowhere" / "world.html")]) == 2
    assert "can't be written" in capsys.readouterr().err
