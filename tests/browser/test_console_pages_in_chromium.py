"""Every page in Chromium: what axe finds, what is cut off, what goes wrong on the way."""

from __future__ import annotations

import signal

import pytest

from tests.browser.test_console_in_chromium import initiate
from tests.e2e.processes import NodeProcess, until

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

PAGES = (
    "getting-started",
    "settings",
    "connections",
    "records",
    "records/incident?query=active=true^priority=1^ORpriority=2&building=1",
    "records/sys_user",
    "records/sys_user/6816f79cc0a8016401c5a33be04be441",
    "records/sys_user/6816f79cc0a8016401c5a33be04be441/edit",
    "records/sys_dictionary?query=elementLIKEa^ORDERBYDESCname",
    "new-record/incident",
    "errors",
    "license",
    "notifications",
    "queue",
    "clean-up",
    "initiate",
    "accept",
    "report",
    "about/documentation",
    "about/license",
    "about/support",
    "about/glossary",
    "about/release-history",
    "about/security",
    "about/api-reference",
    "about/api-reference/events",
    "none",
)
WIDTHS = (320, 390, 768, 1024, 1280, 1920, 3840)
HOSTILE = "<b>x</b> שלום 😀 " + "w" * 40


def connected(a, b, name):
    """A connection of both nodes, made by the API."""
    sys_id, code = a.node.initiate(b.node.url, name=name)
    b.node.accept(code)
    a.node.until_active(sys_id)
    return sys_id


def gone_wrong(a, b, folder):
    """A partner that is away, at a, and a code that another node used first, at b."""
    away = NodeProcess(name="Away", data=folder / "away")
    try:
        away.start()
        sys_id, code = a.node.initiate(None, name="gone wrong")
        away.accept(code)
        until(lambda: a.node.status(sys_id) == "awaiting-approval", "accepted")
        b.node.accept(code)
        until(lambda: b.node.status(sys_id) == "closed", "refused")
    finally:
        away.close()
    a.node.admin("POST", f"/connections/{sys_id}/refuse")
    for admin, what in ((a, "be reached"), (b, "used the invitation code first")):
        admin.go("/console/errors")
        admin.page.get_by_text(what).first.wait_for()


def test_no_page_has_what_axe_would_find_and_none_is_wider_than_its_window(admins, tmp_path):
    a, b = admins
    sys_id = connected(a, b, HOSTILE)
    pending, _ = a.node.initiate(b.node.url, name="pending")
    closed, _ = a.node.initiate(b.node.url, name="closed")
    a.node.admin("POST", f"/connections/{closed}/withdraw")
    gone_wrong(a, b, tmp_path)
    paths = [
        *PAGES,
        f"connections/{sys_id}",
        f"connections/{pending}",
        f"connections/{pending}/code",
        f"connections/{closed}",
    ]
    own = [path for path in PAGES if not path.startswith("about/")]  # those are the same at each instance
    found, cut = [], []
    for admin in (a, b):
        for path in paths if admin is a else [*own, f"connections/{sys_id}"]:
            admin.go(f"/console/{path}")
            admin.page.evaluate("document.querySelectorAll('.operation, .tool').forEach(one => { one.open = true; })")
            found += admin.axe()
            for width in WIDTHS:
                admin.page.set_viewport_size({"width": width, "height": 800})
                beyond = admin.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                cut += [f"{path} at {width}: {beyond} px"] if beyond > 0 else []
            admin.page.set_viewport_size({"width": 1280, "height": 800})
    assert found == []
    assert cut == []


def test_a_name_that_is_taken_is_told_before_the_form_is_sent(admins):
    a, b = admins
    connected(a, b, "taken")
    a.go("/console/initiate")
    a.page.get_by_label("I don't have a URL").check()
    a.page.get_by_label("Script").wait_for()
    a.page.get_by_role("button", name="Next").click()
    name = a.page.get_by_label("Connection name")
    name.fill("taken")
    name.press("Tab")
    a.page.locator("#fault-name", has_text='is called "taken"').wait_for()
    assert name.get_attribute("aria-invalid") == "true"
    name.fill("free")
    name.press("Tab")
    a.page.locator("#fault-name", has_text="called").wait_for(state="detached")


def test_leaving_warns_where_the_code_was_not_copied_or_something_was_typed_and_nowhere_else(admins):
    a, b = admins
    page, asked = a.page, []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    a.go("/console/initiate")
    page.keyboard.press("Escape")
    page.wait_for_url("**/console/connections")
    assert asked == []
    a.go("/console/initiate")
    page.get_by_label("Destination instance URL").press_sequentially(b.node.url)
    page.keyboard.press("Escape")
    page.wait_for_function("true")
    assert asked == ["beforeunload"]
    page.get_by_label("Destination instance URL").press("Tab")
    page.locator("[data-outcome=ok]").wait_for()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Connection name").fill("not copied")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Invitation code").wait_for()
    assert asked == ["beforeunload"]
    page.get_by_role("link", name="Done").click()
    page.wait_for_function("true")
    assert asked == ["beforeunload"] * 2
    page.get_by_role("button", name="Copy invitation code").click()
    page.get_by_role("button", name="Copied").wait_for()
    page.get_by_role("link", name="Done").click()
    page.locator("#state").wait_for()
    assert asked == ["beforeunload"] * 2


def test_a_page_catches_up_after_its_node_was_away(admins):
    a, b = admins
    sys_id = connected(a, b, "catches up")
    a.go(f"/console/connections/{sys_id}")
    a.page.locator("#state .pill", has_text="Active").wait_for()
    a.node.stop(signal.SIGTERM)
    a.page.locator("[data-live-state]", has_text="Reconnecting").wait_for()
    b.node.admin("POST", f"/connections/{sys_id}/deactivate")
    a.node.start()
    a.page.locator("#state .pill", has_text="Deactivated there").wait_for()
    a.page.locator("[data-live-state]").wait_for(state="hidden")
    a.faults = []  # the browser has told of each request that the node did not answer


def test_signing_out_in_one_window_ends_the_others(admins):
    a, _ = admins
    a.go("/console/connections")
    other = a.page.context.new_page()
    other.goto(f"{a.node.url}/console/connections")
    other.get_by_role("button", name="Sign out").click()
    a.page.wait_for_url("**/console/sign-in")
    a.faults = []  # the browser has told of the stream that was no stream any more


def test_each_browser_keeps_its_theme(admins):
    a, b = admins
    a.go("/console/connections")
    assert a.page.locator("html").get_attribute("data-theme") == "auto"
    a.page.get_by_role("button", name="Switch to dark").click()
    a.page.locator("html[data-theme=dark]").wait_for()
    a.page.reload()
    assert a.page.locator("html").get_attribute("data-theme") == "dark"
    background = "getComputedStyle(document.documentElement).backgroundColor"
    dark = a.page.evaluate(background)
    b.go("/console/connections")
    assert b.page.evaluate(background) != dark


def test_initiating_from_the_other_side_works_the_same(admins):
    a, b = admins
    code = initiate(b, a, remote="Company Z")
    a.go("/console/accept")
    a.page.get_by_label("Invitation code").fill(code)
    a.page.get_by_role("button", name="Next").click()
    a.page.get_by_role("button", name="Accept").click()
    a.page.locator("#state .pill", has_text="Active").wait_for()
    b.page.locator("#state .pill", has_text="Active").wait_for()
