"""The live stage in Chromium: both consoles in one page, used by hand, and played by the demo itself."""

from __future__ import annotations

import re
import signal

import pytest

from tests.browser.conftest import WAIT_MS, axe
from tests.e2e.demos import demos

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

WIDTHS = (320, 390, 768, 1024, 1280, 1920, 3840)
HARMLESS = ("Blocked autofocusing", "target origin provided")
"""What Chromium says of a field that would have the focus if it stood alone, and of axe's looking for itself in frames."""


class Visit:
    """A demo with a stage, and the browser before it."""

    def __init__(self, browser, demo):
        self.demo = demo
        told = self.told_until("Open the stage in your browser.")
        self.link = re.search(r"http://127\.0\.0\.1:\d+/enter/\S+", told)[0]
        self.urls = re.findall(r"console [ab]  (http://\S+)", told)
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.context.set_default_timeout(WAIT_MS)
        for url in self.urls:
            self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
        self.page = self.context.new_page()
        self.faults = []
        own = tuple(f"{url}/" for url in (re.match(r"http://[^/]+", self.link)[0], *self.urls))
        self.page.on(
            "request", lambda sent: sent.url.startswith(own) or self.faults.append(f"loaded from elsewhere: {sent.url}")
        )
        self.page.on("pageerror", lambda error: self.faults.append(f"script failed: {error}"))
        self.page.on("console", self._said)
        self.page.goto(self.link)
        self.a, self.b = (self.page.frame_locator(f"[data-frame={side}]") for side in "ab")

    def _said(self, message):
        if message.type == "error" and not message.text.startswith(HARMLESS):
            self.faults.append(message.text)

    def told_until(self, text):
        lines = []
        while not (lines and text in lines[-1]):
            lines.append(self.demo.process.stdout.readline())
            assert lines[-1], f"it ended too soon: {lines}"
        return "".join(lines)

    def side(self, side):
        return self.page.locator(f"#side-{side}")

    def rows(self):
        return [row.strip() for row in self.page.locator(".row-text").all_text_contents()]

    def end(self):
        self.context.close()
        self.demo.process.send_signal(signal.SIGINT)
        code, _, err = self.demo.end()
        assert (code, err) == (0, "")


@pytest.fixture
def visit(browser, tmp_path):
    with demos(tmp_path) as start:
        begun = []

        def begin(*arguments):
            begun.append(Visit(browser, start("--browser", "--no-open", "--broker", "amqtt", *arguments)))
            return begun[-1]

        yield begin
        for one in begun:
            one.end()


def looked_at(page):
    """What axe finds on the stage and in both consoles, and at which widths the stage is cut off."""
    found = axe(page)
    for frame in page.frames[1:]:
        found += axe(frame)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found += [f"at {width}: {beyond} px"] if beyond > 0 else []
    return found


def test_the_flow_plays_itself_until_both_consoles_and_the_stage_show_active(visit):
    one = visit("--drive", "--pace", "1")
    one.side("a").get_by_text("Pending").wait_for()
    one.b.locator("tr[data-row] .pill", has_text="Invited").wait_for()
    one.page.locator(".row.line-handover").wait_for()
    for console, side in ((one.a, "a"), (one.b, "b")):
        one.side(side).get_by_text("Active").wait_for()
        console.locator("#state .pill", has_text="Active").wait_for()
    one.page.locator("#caption", has_text="both consoles are yours now").wait_for()
    assert [re.sub(r" \d+ bytes.*| [\d.]+ s$", "", row) for row in one.rows() if "bytes" in row or "Admin" in row] == [
        "Admin A to node a: initiate",
        "node a to node b: initiate · pending ·",
        "node b to node a: status · announced ·",
        "Admin A to Admin B: the invitation code",
        "Admin B to node b: accept",
        "node b to node a: accept · accepted ·",
        "node a to node b: status · active ·",
    ]
    assert looked_at(one.page) == []
    assert one.faults == []


def test_by_hand_the_whole_flow_is_done_in_the_one_page_and_a_node_that_dies_is_shown_at_once(visit):
    one = visit()
    a, b = one.a, one.b
    a.get_by_role("link", name="Initiate connection").click()
    a.get_by_label("Destination instance URL").fill(one.urls[1])
    a.get_by_label("Destination instance URL").press("Tab")
    a.locator("[data-outcome=ok]").wait_for()
    a.get_by_role("button", name="Next").click()
    a.get_by_label("Local instance short name").fill("Company A")
    a.get_by_label("Remote instance short name").fill("Company B")
    a.get_by_role("button", name="Next").click()
    a.get_by_role("button", name="Copy invitation code").click()
    a.get_by_role("button", name="Copied").wait_for()
    code = a.get_by_label("Invitation code").input_value()
    b.get_by_role("link", name="Accept invitation").click()
    b.get_by_label("Invitation code").fill(code)
    b.get_by_role("button", name="Next").click()
    b.get_by_role("button", name="Accept").click()
    b.locator("#state .pill", has_text="Active").wait_for()
    for side in "ab":
        one.side(side).get_by_text("Active").wait_for()
        one.page.locator(".row-text", has_text=f"node {side} to MQTT: active #2").wait_for()
    a.get_by_role("link", name="Done").click()
    a.locator("#state .pill", has_text="Active").wait_for()
    assert looked_at(one.page) == []
    assert code not in one.page.content(), "it stands in the console alone"
    assert one.faults == []
    (node_a,) = [each for each in one.demo.children if each.environ().get("HANDCLASP_NAME") == "a"]
    node_a.kill()
    one.side("a").get_by_text("Node a is lost").wait_for()
    assert axe(one.page) == []


def test_trouble_shows_the_killed_source_and_leads_its_console_back_when_it_lives_again(visit):
    one = visit("--trouble", "--pace", "1")
    one.side("a").get_by_text("Node a is lost").wait_for()
    one.page.locator(".mark.at-a.killed").wait_for()
    assert axe(one.page) == []
    one.side("b").get_by_text("Node b is lost").wait_for()
    one.page.locator(".mark.at-a.restarted").wait_for()
    for console, side in ((one.a, "a"), (one.b, "b")):
        one.side(side).get_by_text("Active").wait_for()
        console.locator("#state .pill", has_text="Active").wait_for()
    assert one.page.locator(".side-head .notice").count() == 0
    one.page.locator("#caption", has_text="both consoles are yours now").wait_for()
