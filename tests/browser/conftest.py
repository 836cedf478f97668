"""Debian's Chromium before the consoles of two node processes."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from node.console.login import PASSWORD_FILE
from tests.e2e.processes import NodeProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
ENDING_ANIMATIONS = """
    for (const one of document.getAnimations())
        if (one.effect.getComputedTiming().endTime !== Infinity) one.finish();
"""
"""Colours that are half way from one theme to the other are nobody's to judge."""

WAIT_MS = 30_000
"""How long a page may take on a busy machine before the test calls it a failure."""


@dataclass
class Admin:
    """One admin: a node, a browser context of its own, and the page that is open."""

    node: NodeProcess
    page: Any
    faults: list[str]

    @property
    def password(self) -> str:
        return (self.node.data / PASSWORD_FILE).read_text().strip()

    def go(self, path: str) -> None:
        self.page.goto(f"{self.node.url}{path}")

    def sign_in(self) -> None:
        self.go("/")
        self.page.get_by_label("Name").fill("admin")
        self.page.get_by_label("Password").fill(self.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/console/connections")

    def come_in(self) -> None:
        """Be signed in, as this browser may be already."""
        self.go("/console/connections")
        if "/console/sign-in" in self.page.url:
            self.sign_in()

    def axe(self) -> list[str]:
        """What axe finds on the page, in both themes."""
        return axe(self.page)


def axe(page: Any) -> list[str]:
    """What axe finds on a page or in a frame, in both themes."""
    found = []
    page.evaluate(AXE.read_text())
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        page.evaluate(ENDING_ANIMATIONS)
        violations = page.evaluate("axe.run().then(found => found.violations)")
        found += [
            f"{theme} {page.url} {one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for one in violations
            for node in one["nodes"]
        ]
    return found


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Without a user of its own, which tests in containers lack, Chromium's sandbox does not start.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser(request) -> Iterator[Any]:
    """One browser a module; it ends before any test that has an event loop of its own."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is missing")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def consoles(tmp_path_factory) -> Iterator[list[NodeProcess]]:
    """Two nodes that can reach each other, without a broker."""
    folder = tmp_path_factory.mktemp("consoles")
    accents = {"a": "blue", "b": "teal"}
    pair = [
        NodeProcess(name=f"Instance {name.upper()}", data=folder / name, settings={"HANDCLASP_ACCENT": accents[name]})
        for name in ("a", "b")
    ]
    try:
        for node in pair:
            node.start()
        yield pair
    finally:
        for node in pair:
            node.close()


@pytest.fixture(scope="module")
def cookies() -> dict[str, Any]:
    """What browsers keep from test to test, by the node's name: one sign-in a module is enough."""
    return {}


@pytest.fixture
def admins(browser, consoles, cookies, request) -> Iterator[list[Admin]]:
    """Both admins, signed in; at the end their pages must have loaded nothing from elsewhere and failed nowhere."""
    options = getattr(request, "param", {})
    both, contexts = [], []
    for node in consoles:
        context = browser.new_context(storage_state=cookies.get(node.name), **options)
        context.set_default_timeout(WAIT_MS)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=node.url)
        contexts.append(context)
        both.append(watched(Admin(node=node, page=context.new_page(), faults=[])))
    for admin in both:
        admin.come_in()
        cookies[admin.node.name] = admin.page.context.storage_state()
    yield both
    for context in contexts:
        context.close()
    assert [fault for admin in both for fault in admin.faults] == []


def watched(admin: Admin) -> Admin:
    own = tuple(f"{url}/" for url in (admin.node.url, admin.node.instance_url))

    def request(sent: Any) -> None:
        if not sent.url.startswith(own):
            admin.faults.append(f"loaded from elsewhere: {sent.url}")

    def said(message: Any) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            admin.faults.append(f"{message.text} at {admin.page.url}")

    admin.page.on("request", request)
    admin.page.on("console", said)
    admin.page.on("pageerror", lambda error: admin.faults.append(f"script failed: {error}"))
    return admin
