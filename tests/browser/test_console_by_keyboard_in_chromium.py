"""The whole flow without a mouse: both admins sign in, connect, approve, switch off and on, remove and sign out."""

from __future__ import annotations

import pytest

from tests.browser.steps import ended, tab_to

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


def test_the_whole_flow_is_done_by_keyboard_alone(admins):
    a, b = admins
    for admin in (a, b):
        sign_in(admin)
    code = initiate(a.page, b.node.url)
    accept(b.page, code)
    press(a.page, "Approve by keyboard", "Enter")
    for admin in (b, a):
        shows(admin, "Active")
    press(b.page, "Deactivate by keyboard", "Space")
    shows(a, "Deactivated there")
    press(b.page, "Activate by keyboard", "Enter")
    shows(a, "Active")
    press(a.page, "Remove by keyboard", "Enter")
    press(a.page, "Remove by keyboard, for good", "Enter")
    for admin in (a, b):
        ended(admin, "an admin removed the connection")
    press(a.page, "Sign out", "Enter")
    a.page.get_by_role("button", name="Sign in").wait_for()


def sign_in(admin):
    page = admin.page
    page.context.clear_cookies()
    admin.go("/")
    page.keyboard.type("admin")  # the first field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(admin.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/connections")


def initiate(page, url):
    tab_to(page, "Skip to the content")
    press(page, "Initiate connection", "Enter")
    page.wait_for_url("**/console/initiate")
    tab_to(page, "destination_url")
    page.keyboard.type(url)
    tab_to(page, "no_url")
    page.locator("[data-outcome=ok]").wait_for()
    press(page, "Next", "Enter")
    page.get_by_role("heading", name="Connection information").wait_for()
    tab_to(page, "remote_short_name")
    page.keyboard.type("Company B")
    tab_to(page, "name")
    page.keyboard.press("Control+a")
    page.keyboard.type("by keyboard")
    press(page, "ask_me", "Space")
    press(page, "Previous", "Enter")
    page.locator("[data-outcome=ok]").wait_for()
    press(page, "Next", "Enter")
    page.get_by_role("heading", name="Connection information").wait_for()
    tab_to(page, "name")
    assert page.get_by_label("Connection name").input_value() == "by keyboard"
    assert page.get_by_label("Ask me before activating").is_checked()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copy invitation code").wait_for()
    press(page, "Copy invitation code", "Enter")
    page.get_by_role("button", name="Copied").wait_for()
    code = page.get_by_label("Invitation code").input_value()
    page.keyboard.press("Escape")
    page.locator("#state .pill", has_text="Pending").wait_for()
    return code


def accept(page, code):
    press(page, "Accept invitation", "Enter")
    page.wait_for_url("**/console/accept")
    page.keyboard.insert_text(code)  # the one field has the focus
    page.locator("#invitation", has_text="by keyboard").wait_for()
    press(page, "Next", "Enter")
    page.get_by_role("button", name="Decline").wait_for()
    press(page, "Accept", "Enter")
    page.locator("#state .pill", has_text="Awaiting approval").wait_for()


def shows(admin, word):
    admin.page.locator("#state .pill", has_text=word).wait_for()


def press(page, wanted, key):
    tab_to(page, wanted)
    page.keyboard.press(key)
