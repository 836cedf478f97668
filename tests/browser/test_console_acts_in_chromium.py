"""What both admins decide about a connection, in two browsers at once: approve, refuse, switch off and on, remove."""

from __future__ import annotations

import pytest

from tests.browser.steps import accept, ended, press, was_not_reloaded

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


def shows(admin, word):
    admin.page.locator("#state .pill", has_text=word).wait_for()


def initiated_without_a_url(a, name):
    """The source's admin goes through the wizard for a destination that nobody knows yet; the code."""
    page = a.page
    a.go("/console/initiate")
    page.get_by_label("I don't have a URL").check()
    page.get_by_label("Script").wait_for()
    page.get_by_role("button", name="Next").click()
    assert page.get_by_label("Ask me before activating").is_checked()
    page.get_by_label("Remote instance short name").fill("Company B")
    page.get_by_label("Connection name").fill(name)
    page.get_by_role("button", name="Next").click()
    page.get_by_text("There is no Go to remote").wait_for()
    page.get_by_text("Whoever has this code first").wait_for()
    code = page.get_by_label("Invitation code").input_value()
    page.get_by_role("button", name="Copy invitation code").click()
    page.get_by_role("link", name="Done").click()
    shows(a, "Pending")
    return code


def awaiting(a, b, name):
    """Whoever has the code has accepted; both open pages say that the source's admin is asked."""
    code = initiated_without_a_url(a, name)
    a.page.evaluate("window.wasLoadedOnce = true")
    accept(b, code)
    b.page.get_by_role("button", name="Accept").click()
    shows(b, "Awaiting approval")
    b.page.evaluate("window.wasLoadedOnce = true")
    shows(a, "Awaiting your approval")


def connected(a, b, name):
    """An active connection, whose page both admins have open."""
    sys_id, code = a.node.initiate(b.node.url, name=name)
    b.node.accept(code)
    a.node.until_active(sys_id)
    for admin in (a, b):
        admin.go(f"/console/connections/{sys_id}")
        shows(admin, "Active")
        admin.page.evaluate("window.wasLoadedOnce = true")
    return sys_id


@pytest.mark.parametrize("is_turned", [False, True], ids=["from-a", "from-b"])
def test_a_connection_that_asks_first_is_active_on_both_screens_once_it_is_approved(admins, is_turned):
    source, destination = reversed(admins) if is_turned else admins
    awaiting(source, destination, f"approved {is_turned}")
    mine, theirs = (admin.page.locator(".side .fingerprint").all_text_contents() for admin in (source, destination))
    assert mine == theirs, "both admins have the same two to compare, in the same order"
    assert len(set(mine)) == 2
    source.page.get_by_role("button", name="Approve").click()
    for admin in (source, destination):
        shows(admin, "Active")
    assert was_not_reloaded(destination)


def test_a_connection_that_is_not_approved_ends_on_both_screens(admins):
    a, b = admins
    awaiting(a, b, "refused")
    press(a, "Refuse", "refused")
    for admin in admins:
        ended(admin, "the source's admin did not approve")
    assert was_not_reloaded(b)


def test_each_side_switches_itself_off_and_on_and_both_screens_say_who_did(admins):
    a, b = admins
    sys_id = connected(a, b, "switched")
    for first, second in ((a, b), (b, a)):
        first.page.get_by_role("button", name="Deactivate").click()
        shows(first, "Deactivated here")
        shows(second, "Deactivated there")
        second.page.get_by_role("button", name="Deactivate").click()
        for admin in (first, second):
            shows(admin, "Deactivated on both sides")
        first.page.get_by_role("button", name="Activate").click()
        shows(first, "Deactivated there")
        shows(second, "Deactivated here")
        second.page.get_by_role("button", name="Activate").click()
        for admin in (first, second):
            shows(admin, "Active")
    assert a.node.status(sys_id) == b.node.status(sys_id) == "active"


def test_a_side_is_switched_off_from_the_list_and_the_other_list_says_so_in_place(admins):
    a, b = admins
    sys_id = connected(a, b, "from the list")
    for admin in admins:
        admin.go("/console/connections?words=from the list")
        admin.page.locator(f"tr[data-row='{sys_id}']", has_text="Active").wait_for()
    a.page.evaluate("window.wasLoadedOnce = true")
    b.page.get_by_role("button", name="Deactivate from the list").click()
    b.page.locator(f"tr[data-row='{sys_id}']", has_text="Deactivated here").wait_for()
    a.page.locator(f"tr[data-row='{sys_id}']", has_text="Deactivated there").wait_for()
    assert was_not_reloaded(a)


@pytest.mark.parametrize("is_turned", [False, True], ids=["by-the-source", "by-the-destination"])
def test_a_connection_that_one_side_removes_ends_on_the_other_screen_and_can_leave_both_lists(admins, is_turned):
    a, b = admins
    one, other = (b, a) if is_turned else (a, b)
    name = f"over {is_turned}"
    sys_id = connected(a, b, name)
    press(one, "Remove", name)
    for admin in (one, other):
        ended(admin, "an admin removed the connection")
    assert was_not_reloaded(other)
    for admin in (one, other):
        press(admin, "Remove", name)
        admin.page.wait_for_url("**/console/connections")
        admin.page.get_by_role("heading", name="Connections", exact=True).wait_for()
        assert admin.page.locator(f"tr[data-row='{sys_id}']").count() == 0


def found_while_accepting(b, code):
    """What axe finds on the steps from a code that was cut to one that is accepted."""
    b.go("/console/accept")
    b.page.get_by_label("Invitation code").fill(code[:-9])
    b.page.locator("#invitation .bad").wait_for()
    found = b.axe()
    b.page.get_by_label("Invitation code").fill(f"Hello,\nhere is the code: {code}\n")
    b.page.locator("#invitation", has_text="axe by hand").wait_for()
    found += b.axe()
    b.page.get_by_role("button", name="Next").click()
    found += b.axe()
    b.page.get_by_role("button", name="Accept").click()
    return found


def test_axe_finds_nothing_on_what_stands_only_on_the_way(admins):
    """The steps of both dialogs, with and without faults, questions that are asked back, and deciding."""
    a, b = admins
    page, found = a.page, []
    connected(a, b, "axe")
    a.go("/console/connections?words=axe")
    page.locator("summary", has_text="Remove").click()
    found += a.axe()
    a.go("/console/initiate")
    page.get_by_label("Destination instance URL").fill("http://127.0.0.1:1")
    page.get_by_label("Destination instance URL").press("Tab")
    page.locator("[data-outcome=unreachable]").wait_for()
    found += a.axe()
    page.get_by_label("Destination instance URL").fill(b.node.url)
    page.get_by_label("Destination instance URL").press("Tab")
    page.locator("[data-outcome=ok]").wait_for()
    found += a.axe()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Connection name").fill("axe")
    page.get_by_role("button", name="Next").click()
    page.locator("#fault-name", has_text="called").wait_for()
    found += a.axe()
    page.get_by_label("Connection name").fill("axe by hand")
    page.get_by_label("Ask me before activating").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_text("A text for the e-mail").click()
    found += a.axe()
    code = page.get_by_label("Invitation code").input_value()
    page.get_by_role("button", name="Copy invitation code").click()
    page.get_by_role("link", name="Done").click()
    found += found_while_accepting(b, code)
    shows(b, "Awaiting approval")
    shows(a, "Awaiting your approval")
    found += a.axe() + b.axe()
    a.go("/console/settings")
    page.get_by_role("button", name="Check my own URL").click()
    page.get_by_text("answers at its own URL").wait_for()
    found += a.axe()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("a guess")
    page.get_by_role("button", name="Sign in").click()
    page.locator(".notice.bad").wait_for()
    found += a.axe()
    assert found == []
