"""The live stage without a browser: its page, its stream of real events, its way in, and what the command refuses."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket

import aiohttp
import pytest

from node.console.login import PASSWORD_FILE
from node.delivery.broker_url import BrokerUrl
from node.delivery.mqtt import MqttBroker
from node.demo.observing import observing
from node.demo.seen import Act, Attempt, Handover, Killed, Presence, Restarted, Status
from node.demo.stage.journal import ENTRIES_MAX, Journal
from node.demo.stage.opening import may_open, open_browser
from node.demo.stage.site import StageSite
from node.demo.stage.stage import Caption, Console, Stage
from node.http_server import serve_http
from tests.node.local_nodes import running_node
from tests.node.mqtt_world import MOSQUITTO_NOW_AMQTT_SLOWLY, running

KEY = "k" * 43
URLS = {"a": "http://127.0.0.1:8101", "b": "http://127.0.0.1:8102"}


def stage_of(urls=URLS, *, folder=None):
    consoles = {
        side: Console(url=url, accent=accent, password_file=(folder / side / PASSWORD_FILE) if folder else None)
        for (side, url), accent in zip(urls.items(), ("blue", "teal"), strict=True)
    }
    return Stage(consoles, caption=Caption(heading="A moment", line="It begins <soon>."))


def page_of(stage):
    return stage.page(lambda name: f"/assets/x/{name}")


def presence(side, state="online", *, at_s=1.0, retained=False):
    return Presence(at_s=at_s, side=side, topic=f"{side}/presence", state=state, retained=retained)


def status(side, word, seq, *, at_s=1.0):
    return Status(at_s=at_s, side=side, topic=f"{side}/status", status=word, seq=seq, retained=False)


def rows_of(html):
    """Each row of the diagram: who to whom and what, as readers of the screen hear it."""
    texts = re.findall(r'<p class="row-text">(.*?) <span class="row-at">', html, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", text).strip() for text in texts]


def side_of(html, side):
    return re.search(rf'<header class="side-head" id="side-{side}".*?</header>', html, re.DOTALL)[0]


def test_the_page_has_both_consoles_in_frames_once_their_nodes_are_there_and_nothing_from_elsewhere():
    stage = stage_of()
    assert "<iframe" in page_of(stage)
    assert " src=" not in re.search(r"<iframe[^>]*>", page_of(stage))[0], "a node that is not up can't be shown"
    stage.seen(presence("a", retained=True))
    stage.seen(presence("b", retained=True))
    page = page_of(stage)
    frames = re.findall(r'<iframe title="([^"]+)"[^>]* src="([^"]+)"', page)
    assert frames == [(f"Console of admin {side.upper()}", f"{URLS[side]}/console/connections") for side in ("a", "b")]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page)
    loaded = re.findall(r'<(?:link|script|img)[^>]*(?:src|href)="([^"]+)"', page)
    assert loaded
    assert all(place.startswith("/assets/") for place in loaded), loaded
    assert "It begins &lt;soon&gt;." in page


def test_what_the_demo_did_and_what_the_nodes_said_become_rows_in_their_order():
    stage = stage_of()
    for one in (
        presence("a", retained=True),
        Act(at_s=10.0, side="a", what="initiate"),
        status("a", "pending", 1, at_s=10.1),
        Handover(at_s=11.0, sender="a", recipient="b"),
        Killed(at_s=12.0, side="a", pid=7),
        presence("a", "lost", at_s=12.1),
        Attempt(at_s=12.5, sender="b", recipient="a", number=1, cause="unreachable", next_at_s=None),
        Restarted(at_s=13.0, side="a", pid=8),
        presence("a", at_s=13.1),
    ):
        stage.seen(one)
    page = page_of(stage)
    assert rows_of(page) == [
        "Admin A to node a: initiate",
        "node a to MQTT: pending #1",
        "Admin A to Admin B: the invitation code",
        "node a: × kill -9",
        "node a to MQTT: its will: lost",
        "node b to node a: try 1 · unreachable, reached nobody",
        "node a: ↻ started again",
        "node a to MQTT: online",
    ]
    assert re.findall(r'row-at">([^<]+)<', page)[:4] == ["0.00 s", "0.10 s", "1.00 s", "2.00 s"]
    has_lifeline = ["life-a" in row for row in re.findall(r'<li class="(row [^"]*)"', page)]
    assert has_lifeline == [True, True, True, True, False, False, True, True], "a dead process has none"


def test_each_side_shows_what_its_own_node_said_last_over_mqtt():
    stage = stage_of()
    for one in (presence("a"), presence("b"), status("a", "pending", 1), status("a", "active", 2)):
        stage.seen(one)
    stage.seen(status("a", "pending", 1))  # QoS 1: delivered again
    page = page_of(stage)
    assert "Active" in side_of(page, "a")
    assert "Active" not in side_of(page, "b")
    stage.seen(presence("a", "lost"))
    a, b = side_of(page_of(stage), "a"), side_of(page_of(stage), "b")
    assert ("Node a is lost" in a, 'data-up="no"' in a) == (True, True)
    assert ("is lost" in b, 'data-up="yes"' in b) == (False, True)
    stage.seen(status("b", "active", 2))
    last = re.findall(r'<li class="(row [^"]*)"', page_of(stage))[-1]
    assert ("life-a" in last, "life-b" in last) == (False, True), "whoever killed it, its lifeline has ended"


def test_a_step_that_is_played_leads_its_admins_console_to_the_page_and_tells_the_sentences():
    stage = stage_of()
    stage.seen(presence("a"))
    stage.step("Admin A", "Initiate connection", side="a")
    stage.said("types a <URL>")
    stage.looks("a", "/console/initiate")
    page = page_of(stage)
    assert "Admin A · Initiate connection" in page
    assert "types a &lt;URL&gt;" in page
    assert f'src="{URLS["a"]}/console/initiate"' in page
    assert f'data-page="{URLS["a"]}/console/initiate"' in side_of(page, "a")


async def test_the_journal_forgets_the_oldest_and_tells_everybody_what_is_new_to_them():
    journal = Journal()
    waiting = asyncio.create_task(journal.after(0))
    await asyncio.sleep(0)
    journal.tell("row", "first")
    assert [one.html for one in await waiting] == ["first"]
    for number in range(ENTRIES_MAX):
        journal.tell("row", str(number))
    assert len(await journal.after(0)) == ENTRIES_MAX
    assert [one.html for one in await journal.after(journal.number - 2)] == [
        str(ENTRIES_MAX - 2),
        str(ENTRIES_MAX - 1),
    ]
    journal.end()
    assert await journal.after(journal.number) == []


@contextlib.asynccontextmanager
async def served(stage, listening):
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    runner = await serve_http(StageSite(stage, origin=origin, key=KEY).app, listening)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            yield http, origin
    finally:
        await runner.cleanup()


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as place:
        yield place


async def events_of(answer, *until):
    """The stream's events, (kind, id, html), until each of these texts has stood in one."""
    missing = set(until)
    found, kind, number, lines = [], "", 0, []
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        name, _, value = line.partition(": ")
        match name:
            case "event":
                kind = value
            case "id":
                number = int(value)
            case "data":
                lines.append(value)
            case "" if lines:
                found.append((kind, number, "\n".join(lines)))
                lines = []
                missing = {text for text in missing if text not in found[-1][2]}
                if not missing:
                    return found
    raise AssertionError(f"the stream ended without {missing}: {found}")


@pytest.mark.parametrize("kind", MOSQUITTO_NOW_AMQTT_SLOWLY)
async def test_the_stream_draws_a_real_handshake_and_who_comes_back_misses_and_repeats_nothing(
    kind, tmp_path, listening
):
    async with contextlib.AsyncExitStack() as stack:
        broker = await stack.enter_async_context(running(kind, tmp_path))
        a, b = [
            await stack.enter_async_context(
                running_node(tmp_path / side, name=side, broker=MqttBroker(BrokerUrl.parse(broker.url)))
            )
            for side in ("a", "b")
        ]
        names = {(await one.admin("GET", "/node"))[1]["node_id"]: side for side, one in (("a", a), ("b", b))}
        stage = stage_of({"a": a.url, "b": b.url})
        eyes = await stack.enter_async_context(observing(broker.url, "stage", names))

        async def feed():
            while True:
                for one in await eyes.next_news():
                    stage.seen(one)

        feeding = asyncio.create_task(feed())
        http, origin = await stack.enter_async_context(served(stage, listening))
        answer = await stack.enter_async_context(http.get(f"{origin}/live?seen=0"))
        assert answer.content_type == "text/event-stream"
        offered = await a.initiate(b)
        found = await events_of(answer, "status · announced", "pending #1")
        await b.accept(offered["invitation_code"])
        last = [f"node {side} to MQTT: </span>active #2" for side in ("a", "b")]
        found += await events_of(answer, "status · active", "accept · accepted", *last)
        feeding.cancel()
        rows = [row for kind, _, html in found if kind == "row" for row in rows_of(html)]
        assert [re.sub(r"\d+ bytes", "N bytes", row) for row in rows if " to node " in row] == [
            "node a to node b: initiate · pending · N bytes",
            "node b to node a: status · announced · N bytes",
            "node b to node a: accept · accepted · N bytes",
            "node a to node b: status · active · N bytes",
        ]
        assert {row for row in rows if "to MQTT: a" in row} >= {
            "node a to MQTT: active #2",
            "node b to MQTT: accepting #1",
            "node b to MQTT: active #2",
        }
        assert [number for _, number, _ in found] == list(range(1, len(found) + 1))
        half = len(found) // 2
        again = await stack.enter_async_context(http.get(f"{origin}/live", headers={"Last-Event-ID": str(half)}))
        assert await events_of(again, found[-1][2]) == found[half:]


async def test_the_way_in_signs_a_browser_in_to_both_consoles_and_a_wrong_key_to_none(tmp_path, listening):
    async with (
        running_node(tmp_path / "a") as a,
        running_node(tmp_path / "b") as b,
        served(stage_of({"a": a.url, "b": b.url}, folder=tmp_path), listening) as (http, origin),
    ):
        async with http.get(f"{origin}/enter/{'x' * 43}", allow_redirects=False) as answer:
            assert (answer.status, len(answer.cookies)) == (403, 0)
        async with http.get(f"{origin}/enter/{KEY}", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            cookies = list(answer.cookies.values())
        assert [(one["path"], one["httponly"], one["samesite"]) for one in cookies] == [("/console", True, "Lax")] * 2
        for node in (a, b):
            async with http.get(f"{node.url}/console/connections", allow_redirects=False) as answer:
                assert answer.status == 200, "signed in"


async def test_the_link_that_a_browser_is_started_with_is_spent_by_its_first_use(tmp_path, listening):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / PASSWORD_FILE).write_text("aaaaa-bbbbb-ccccc-ddddd\n")
    stage = stage_of(dict.fromkeys(("a", "b"), "http://127.0.0.1:1"), folder=tmp_path)
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    site = StageSite(stage, origin=origin, key=KEY)
    runner = await serve_http(site.app, listening)
    link = site.way_in_once("o" * 43)
    async with aiohttp.ClientSession() as http:
        for status, told in ((303, ""), (403, "or is spent")):
            async with http.get(link, allow_redirects=False) as answer:
                assert answer.status == status
                assert told in await answer.text()
        async with http.get(site.way_in, allow_redirects=False) as answer:
            assert answer.status == 303
    await runner.cleanup()


async def test_one_console_that_is_away_does_not_keep_the_other_one_closed(tmp_path, listening):
    async with running_node(tmp_path / "b") as b:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / PASSWORD_FILE).write_text("aaaaa-bbbbb-ccccc-ddddd\n")
        stage = stage_of({"a": "http://127.0.0.1:1", "b": b.url}, folder=tmp_path)
        async with (
            served(stage, listening) as (http, origin),
            http.get(f"{origin}/enter/{KEY}", allow_redirects=False) as answer,
        ):
            assert (answer.status, len(answer.cookies)) == (303, 1)


async def test_the_stage_frames_both_consoles_alone_is_framed_by_nobody_and_has_one_name(listening):
    async with served(stage_of(), listening) as (http, origin):
        async with http.get(origin) as answer:
            policy = answer.headers["Content-Security-Policy"]
            page = await answer.text()
        assert f"frame-src {URLS['a']} {URLS['b']};" in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        for place in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page):
            async with http.get(f"{origin}{place}") as answer:
                assert answer.status == 200, place
        for path in ("/", "/live?seen=0", f"/enter/{KEY}"):
            for host in ("stage.example", "localhost", "127.0.0.1"):
                async with http.get(f"{origin}{path}", headers={"Host": host}, allow_redirects=False) as answer:
                    assert (answer.status, len(answer.cookies)) == (421, 0), (path, host)
        async with http.get(f"{origin}/nothing") as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    ("environment", "platform", "may"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "firefox"}, "linux", True),
        ({"DISPLAY": ""}, "linux", False),
        ({}, "darwin", True),
    ],
)
def test_a_browser_is_opened_only_where_it_gets_a_window_or_was_named(environment, platform, may):
    assert may_open(environment, platform) is may


@pytest.mark.parametrize(("browser", "opened"), [("true", True), ("false", False), ("/no/such/browser", False)])
async def test_a_browser_that_is_missing_or_fails_is_no_failure(monkeypatch, browser, opened):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("BROWSER", browser)
    assert await open_browser("http://127.0.0.1:1/") is opened


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--drive",), "--browser"),
        (("--no-open",), "--browser"),
        (("--pace", "2"), "--browser and --drive"),
        (("--browser", "--pace", "2"), "--drive"),
        (("--browser", "--json"), "leave --json out"),
        (("--browser", "--from", "b"), "leave --from out"),
        (("--browser", "--drive", "--pace", "61"), "0<=x<=60"),
    ],
)
def test_flags_that_make_no_sense_together_are_refused_in_a_sentence(handclasp, monkeypatch, arguments, told):
    def started(run):
        run.close()
        raise AssertionError("the demo was started")

    monkeypatch.setattr("asyncio.run", started)
    assert told in handclasp.here("demo", *arguments).refused(2)
