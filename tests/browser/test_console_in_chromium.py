"""The few things that only a real browser shows, and that every commit is to hold."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.chromium


def initiate(a, b, *, remote="Company B"):
    """Go through the wizard; the code that comes out of it."""
    page = a.page
    a.go("/console/connections")
    page.get_by_role("link", name="Initiate connection").click()
    page.get_by_label("Destination instance URL").fill(b.node.url)
    page.get_by_label("Destination instance URL").press("Tab")
    page.locator("[data-outcome=ok]").wait_for()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Local instance short name").fill("Company A")
    page.get_by_label("Remote instance short name").fill(remote)
    assert page.get_by_label("Connection name").input_value() == f"Company A_to_{remote}"
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Copy invitation code").click()
    page.get_by_role("button", name="Copied").wait_for()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code == page.get_by_label("Invitation code").input_value()
    page.get_by_role("link", name="Done").click()
    return code


def test_two_admins_in_one_browser_connect_and_see_it_happen(admins):
    a, b = admins
    code = initiate(a, b)
    a.page.locator("#state .pill", has_text="Pending").wait_for()
    a.page.get_by_role("link", name="Show invitation code").click()
    a.page.get_by_label("Invitation code").wait_for()
    a.go("/console/connections")
    row = a.page.locator("tr[data-row]").first
    row.get_by_text("Pending").wait_for()
    a.page.evaluate("window.wasLoadedOnce = true")
    b.go("/console/connections")
    b.page.locator("tr", has_text="Invited").wait_for()
    b.page.get_by_role("link", name="Accept invitation").click()
    b.page.get_by_label("Invitation code").fill(f"Hello,\nhere is the code: {code}\n")
    b.page.locator("#invitation", has_text="Company A").wait_for()
    b.page.get_by_role("button", name="Next").click()
    b.page.get_by_role("button", name="Accept").click()
    b.page.locator("#state .pill", has_text="Active").wait_for()
    row.get_by_text("Active", exact=True).wait_for()
    assert a.page.evaluate("window.wasLoadedOnce"), "the list has changed in place"
    a.page.locator("#announcer", has_text="is now: Active").wait_for(state="attached")


@pytest.mark.slow
@pytest.mark.parametrize("admins", [{"java_script_enabled": False}], indirect=True)
def test_the_whole_flow_works_with_javascript_off(admins):
    a, b = admins
    page = a.page
    a.go("/console/initiate")
    page.get_by_label("Destination instance URL").fill(b.node.instance_url)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Script").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Local instance short name").fill("Plain A")
    page.get_by_label("Remote instance short name").fill("Plain B")
    page.get_by_label("Connection name").fill("plain")
    page.get_by_label("Ask me before activating").check()
    page.get_by_role("button", name="Next").click()
    code = page.get_by_label("Invitation code").input_value()
    b.go("/console/accept")
    b.page.get_by_label("Invitation code").fill(code)
    b.page.get_by_role("button", name="Next").click()
    b.page.get_by_role("button", name="Accept").click()
    page.get_by_role("link", name="Done").click()
    after_reloads(b, "Awaiting approval")
    after_reloads(a, "Awaiting your approval")
    page.get_by_role("button", name="Approve").click()
    for admin in (a, b):
        after_reloads(admin, "Active")
    b.page.get_by_role("button", name="Deactivate").click()
    after_reloads(b, "Deactivated here")
    after_reloads(a, "Deactivated there")
    b.page.get_by_role("button", name="Activate").click()
    for admin in (b, a):
        after_reloads(admin, "Active")
    page.locator("summary", has_text="Remove").click()
    page.get_by_role("button", name="Remove plain, for good").click()
    for admin in (a, b):
        after_reloads(admin, "Closed")
    a.go("/console/connections")
    page.get_by_label("Name or other instance").fill("plain")
    page.get_by_role("button", name="Filter").click()
    page.locator("tr[data-row]", has_text="Closed").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()


def after_reloads(admin, word):
    """Without scripts a page is what it was when it was loaded."""
    for _ in range(100):
        if admin.page.locator("#state .pill", has_text=word).count():
            return
        admin.page.reload()
    raise AssertionError(f"{admin.node.name} does not show {word}")


@pytest.mark.slow
def test_two_consoles_on_one_address_do_not_sign_each_other_out(browser, consoles, admins):
    a, b = admins
    page = a.page.context.new_page()
    page.goto(f"{b.node.url}/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(b.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/connections")
    a.go("/console/connections")
    a.page.get_by_role("heading", name="Connections").wait_for()
    page.reload()
    page.get_by_role("heading", name="Connections").wait_for()
    assert {cookie["name"] for cookie in a.page.context.cookies()} >= {
        f"handclasp_{_node_id(one)[:8]}" for one in (a.node, b.node)
    }


def _node_id(node):
    return node.admin("GET", "/node")[1]["node_id"]
