"""What admins do on the way of more than one test."""

from __future__ import annotations


def offered(a, b, name, **more):
    """A connection that `a` has initiated: both pages of it are open, and both admins see that it waits."""
    sys_id, code = a.node.initiate(b.node.url, name=name, **more)
    a.go(f"/console/connections/{sys_id}")
    a.page.locator("#state .pill", has_text="Pending").wait_for()
    b.go("/console/connections")
    b.page.locator(f"tr[data-row='{sys_id}']", has_text="Invited").wait_for()
    for admin in (a, b):
        admin.page.evaluate("window.wasLoadedOnce = true")
    return sys_id, code


def press(admin, label, name):
    """Do what can't be taken back: the button first says what it leads to."""
    page = admin.page
    page.locator("summary", has_text=label).filter(has_text=name).click()
    page.get_by_role("button", name=f"{label} {name}, for good").click()


def accept(b, code):
    """Paste a code, and look at who invites."""
    b.go("/console/accept")
    b.page.get_by_label("Invitation code").fill(code)
    b.page.get_by_role("button", name="Next").click()


def ended(admin, why):
    """The open connection page says that it is closed, and why."""
    admin.page.locator("#state .pill", has_text="Closed").wait_for()
    admin.page.locator("#state .notice", has_text=why).wait_for()


def was_not_reloaded(admin):
    return admin.page.evaluate("window.wasLoadedOnce === true")


def tab_to(page, wanted):
    """Press Tab until the focus is on what has that name or text; it is visible there."""
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "({id: document.activeElement.id, text: document.activeElement.textContent.trim(),"
            " name: document.activeElement.name || '', line: getComputedStyle(document.activeElement).outlineStyle,"
            " beside: getComputedStyle(document.activeElement.nextElementSibling || document.body).outlineStyle})"
        )
        if wanted in {at["id"], at["text"], at["name"]}:
            assert {at["line"], at["beside"]} - {"none"}, f"the focus on {wanted} is not seen"
            return
    raise AssertionError(f"no Tab leads to {wanted}")
