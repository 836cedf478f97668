"""How a connection ends before it is active, in two browsers at once: withdraw, decline, cancel, expiry."""

from __future__ import annotations

import pytest

from protocol.limits import CODE_LIFETIME_S_MIN
from tests.browser.steps import accept, ended, offered, press, was_not_reloaded

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

EXPIRY_WAIT_MS = 1000 * (CODE_LIFETIME_S_MIN + 30)


@pytest.fixture(scope="module")
def expiring(consoles):
    """A code that expires while the other tests run, so that theirs is not all waited for again."""
    a, b = consoles
    return a.initiate(b.url, name="expires", code_lifetime_s=CODE_LIFETIME_S_MIN)


def test_a_code_that_is_withdrawn_ends_on_both_screens(admins, expiring):
    a, b = admins
    sys_id, code = offered(a, b, "withdrawn")
    press(a, "Withdraw", "withdrawn")
    ended(a, "the source's admin withdrew the invitation code")
    b.page.locator(f"tr[data-row='{sys_id}']", has_text="Closed").wait_for()
    assert was_not_reloaded(b)
    accept(b, code)
    b.page.locator(".notice.bad", has_text="has withdrawn this invitation code").wait_for()
    assert b.page.get_by_role("button", name="Accept").count() == 0
    assert a.node.status(sys_id) == b.node.status(sys_id) == "closed"


def test_a_code_that_is_declined_ends_on_both_screens(admins, expiring):
    a, b = admins
    sys_id, code = offered(a, b, "declined")
    accept(b, code)
    b.page.get_by_role("button", name="Decline").click()
    ended(a, "the destination's admin declined")
    assert was_not_reloaded(a)
    b.go(f"/console/connections/{sys_id}")
    ended(b, "the destination's admin declined")


def test_an_acceptance_that_is_cancelled_ends_on_both_screens(admins, expiring):
    a, b = admins
    sys_id, code = offered(a, b, "cancelled", ask_me=True)
    accept(b, code)
    b.page.get_by_role("button", name="Accept").click()
    b.page.locator("#state .pill", has_text="Awaiting approval").wait_for()
    a.page.locator("#state .pill", has_text="Awaiting your approval").wait_for()
    press(b, "Cancel", "cancelled")
    ended(b, "the destination's admin cancelled")
    ended(a, "the destination's admin cancelled")
    assert was_not_reloaded(a)
    a.page.get_by_role("button", name="Approve").wait_for(state="detached")
    assert a.node.status(sys_id) == b.node.status(sys_id) == "closed"


def test_a_code_that_nobody_took_in_time_ends_on_both_screens(admins, expiring):
    a, b = admins
    sys_id, code = expiring
    a.go(f"/console/connections/{sys_id}")
    a.page.locator("#state .pill", has_text="Closed").wait_for(timeout=EXPIRY_WAIT_MS)
    ended(a, "the invitation code expired before it was accepted")
    a.go("/console/errors")
    row = a.page.locator(f"tr[data-row='{sys_id}']")
    row.get_by_text("The invitation code expired before it was accepted.").wait_for()
    b.go("/console/connections")
    b.page.locator(f"tr[data-row='{sys_id}']", has_text="Invited").wait_for(state="detached")
    accept(b, code)
    b.page.get_by_text("expired").first.wait_for()
    row.get_by_role("button", name="New invitation code").click()
    a.page.get_by_label("Invitation code").wait_for()
    accept(b, a.page.get_by_label("Invitation code").input_value())
    b.page.get_by_role("button", name="Accept").click()
    b.page.locator("#state .pill", has_text="Active").wait_for()
