"""Take a picture of each screen of the console: empty, filled, refused; light and dark; wide and narrow.

    python -m scripts.screenshots [--to build/screenshots] [--readme] [--only records]

Two real nodes go through the flow in Debian's Chromium. With --readme the pictures of the README are made anew; with
--only records none but those of the instance's records.
Exit code 1 when a page is wider than its window; 3 when the browser is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.cli.client import AdminClient
from node.cli.places import Place
from node.console.login import ADMIN_NAME, PASSWORD_FILE
from node.console.records.filtering import PERIODS
from node.data_directory import read_admin_token
from node.license.keys import LicenseKey, issue, write_public
from node.license.license import EVALUATION_S, LICENSE_FILE, open_license
from node.local_pair.processes import LocalPair
from protocol.identity import SigningKey
from protocol.limits import CODE_LIFETIME_S_MIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node.local_pair.processes import NodeChild

DOCS = Path(__file__).parent.parent / "docs"
WINDOWS = {"desktop": (1280, 800), "phone": (390, 844)}
LICENSE_KEYS = SigningKey(bytes(range(32)))
THEMES = ("light", "dark")
MANY_CONDITIONS = (
    f"stateIN1,2^opened_atON{PERIODS['Last month']}^NQpriority=1^assigned_toISEMPTY^nothing=1^ORDERBYDESCopened_at"
)
IN_README = {
    "code-desktop-light": "console-code.png",
    "active-desktop-dark": "console-active.png",
    "stage-desktop-light": "stage.png",
}
"""The few pictures that tell the story, and what they are called in the documents."""


class Screens:
    """Takes the pictures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.too_wide: list[str] = []
        self.count = 0

    def take(self, page: Any, name: str, *, whole: bool = True) -> None:
        """One screen, in each theme and window; `whole`: with what is seen only when one scrolls."""
        for theme in THEMES:
            for frame in page.frames:
                frame.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            for window, (width, height) in WINDOWS.items():
                page.set_viewport_size({"width": width, "height": height})
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    self.too_wide.append(f"{name} ({window})")
                page.screenshot(path=self._folder / f"{name}-{window}-{theme}.png", full_page=whole)
                self.count += 1
        page.set_viewport_size({"width": WINDOWS["desktop"][0], "height": WINDOWS["desktop"][1]})


@contextmanager
def two_nodes() -> Iterator[list[NodeChild]]:
    """A pair of nodes that live meanwhile; Playwright has a loop of its own, and begins and ends within."""
    with tempfile.TemporaryDirectory() as folder:
        keys = {"HANDCLASP_LICENSE_PUBLIC_KEY": write_public(LICENSE_KEYS.public)}
        pair = LocalPair(Path(folder), names=("acme", "globex"), has_demo_data=True, settings=keys)
        evaluation_ended(pair.nodes[1].data)
        asyncio.run(pair.start())
        try:
            yield pair.nodes
        finally:
            asyncio.run(pair.stop())


def sign_in(screens: Screens, node: NodeChild, page: Any, *, is_first: bool) -> None:
    """Sign in; the first time with the pictures of that."""
    page.goto(f"{node.node_url}/")
    if is_first:
        screens.take(page, "sign-in")
        page.get_by_label("Name").fill(ADMIN_NAME)
        page.get_by_label("Password").fill("a guess")
        page.get_by_role("button", name="Sign in").click()
        screens.take(page, "sign-in-refused")
    page.get_by_label("Name").fill(ADMIN_NAME)
    page.get_by_label("Password").fill((node.data / PASSWORD_FILE).read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/connections")


def flow(screens: Screens, nodes: list[NodeChild], pages: list[Any]) -> None:
    """Both admins connect, and look at everything on the way."""
    (acme, globex), (a, b) = nodes, pages
    sign_in(screens, acme, a, is_first=True)
    sign_in(screens, globex, b, is_first=False)
    empty(screens, acme, a)
    licenses(screens, acme, a)
    unlicensed(screens, acme, globex, b)
    expiring(acme)
    accepting(screens, globex, b, initiating(screens, acme, a, globex.instance_url))
    a.locator("#state .pill", has_text="Active").wait_for()
    screens.take(a, "active")
    more(acme, globex)
    a.goto(f"{acme.node_url}/console/connections")
    a.locator("tr", has_text="Deactivated here").wait_for()
    screens.take(a, "connections")
    a.locator("tr", has_text="Old trial").locator("summary", has_text="Remove").click()
    screens.take(a, "connections-asked")
    a.get_by_role("link", name="Old trial").click()
    screens.take(a, "closed")
    deciding(screens, acme, globex, pages)
    records(screens, acme, a)
    a.goto(f"{acme.node_url}/console/report")
    screens.take(a, "report")
    a.goto(f"{acme.node_url}/console/clean-up")
    screens.take(a, "clean-up")
    a.goto(f"{acme.node_url}/console/nothing")
    screens.take(a, "not-found")
    errors(screens, acme, globex, a)


def empty(screens: Screens, acme: NodeChild, a: Any) -> None:
    """What a new instance shows."""
    for name in ("getting-started", "connections", "errors", "notifications", "queue", "clean-up"):
        a.goto(f"{acme.node_url}/console/{name}")
        screens.take(a, f"{name}-empty")
    for name in ("documentation", "license", "support", "glossary", "release-history", "security", "api-reference"):
        a.goto(f"{acme.node_url}/console/about/{name}")
        screens.take(a, f"about-{name}")
    a.goto(f"{acme.node_url}/console/about/api-reference/events")
    screens.take(a, "about-api-reference-events")
    a.goto(f"{acme.node_url}/console/settings")
    a.get_by_label("Name of a new token").fill("nightly job")
    a.get_by_role("button", name="Make a token").click()
    screens.take(a, "settings")
    a.get_by_role("button", name="Check my own URL").click()
    a.get_by_text("answers at its own URL").wait_for()
    screens.take(a, "settings-checked")


def records(screens: Screens, acme: NodeChild, a: Any) -> None:
    """The instance's records: the tables, a list, its tools, a record and its form."""
    a.goto(f"{acme.node_url}/console/records")
    screens.take(a, "records")
    a.locator("#table-incident").click()
    a.locator("#list").wait_for()
    screens.take(a, "records-list")
    a.goto(f"{acme.node_url}/console/records/incident?query={MANY_CONDITIONS}&building=1")
    screens.take(a, "records-filter")
    a.locator("#tool-columns").click()
    a.locator("#tool-query").click()
    screens.take(a, "records-tools")
    a.goto(f"{acme.node_url}/console/records/incident?query=number=INC9999999")
    screens.take(a, "records-none")
    a.goto(f"{acme.node_url}/console/records/sys_attachment?query=table_name=incident")
    of_file = a.locator("table.records tbody tr").first.locator("td").nth(3).inner_text()
    a.goto(f"{acme.node_url}/console/records/incident/{of_file}")
    a.locator("#record .attachments").wait_for()
    screens.take(a, "record")
    a.locator("#tool-note").click()
    a.locator("#tool-file").click()
    screens.take(a, "record-tools")
    a.get_by_role("link", name="Change").click()
    screens.take(a, "record-form")
    a.get_by_label("Caller", exact=True).fill("Nobody")
    a.get_by_role("button", name="Save").click()
    a.locator(".fault:not(:empty)").wait_for()
    screens.take(a, "record-form-refused")
    a.goto(f"{acme.node_url}/console/records/incident/{'0' * 32}")
    screens.take(a, "record-not-found")


def initiating(screens: Screens, acme: NodeChild, a: Any, destination: str) -> str:
    """The source's admin makes a connection; its code."""
    a.goto(f"{acme.node_url}/console/initiate")
    screens.take(a, "destination")
    url = a.get_by_label("Destination instance URL")
    url.fill("http://127.0.0.1:9")
    url.press("Tab")
    a.locator("[data-outcome=unreachable]").wait_for()
    screens.take(a, "destination-unreachable")
    url.fill(destination)
    url.press("Tab")
    a.locator("[data-outcome=ok]").wait_for()
    screens.take(a, "destination-found")
    a.get_by_role("button", name="Next").click()
    a.get_by_label("Local instance short name").fill("Acme")
    a.get_by_label("Remote instance short name").fill("Globex")
    a.get_by_label("Description").fill("Incidents of the shared network.")
    screens.take(a, "information")
    a.get_by_label("Remote instance short name").fill("")
    a.get_by_label("Connection name").fill("Late summer")
    a.get_by_role("button", name="Next").click()
    a.locator(".fault:not(:empty)").first.wait_for()
    screens.take(a, "information-refused")
    a.get_by_label("Remote instance short name").fill("Globex")
    a.get_by_label("Connection name").fill("Acme_to_Globex")
    a.get_by_role("button", name="Next").click()
    screens.take(a, "code")
    a.get_by_text("A text for the e-mail").click()
    screens.take(a, "code-mail")
    code = str(a.get_by_label("Invitation code").input_value())
    a.get_by_role("button", name="Copy invitation code").click()
    a.get_by_role("link", name="Done").click()
    a.locator("#state").wait_for()
    screens.take(a, "pending")
    return code


def accepting(screens: Screens, globex: NodeChild, b: Any, code: str) -> None:
    """The destination's admin accepts it."""
    b.goto(f"{globex.node_url}/console/notifications")
    b.get_by_text("wants to connect").wait_for()
    screens.take(b, "notifications")
    b.get_by_role("link", name="Acme_to_Globex").click()
    b.locator("#state").wait_for()
    screens.take(b, "invited")
    b.goto(f"{globex.node_url}/console/accept")
    screens.take(b, "accept")
    b.get_by_label("Invitation code").fill(code[:-9])
    b.locator("#invitation .bad").wait_for()
    screens.take(b, "accept-truncated")
    b.get_by_label("Invitation code").fill(code)
    b.locator("#invitation dl").wait_for()
    screens.take(b, "accept-read")
    b.get_by_role("button", name="Next").click()
    screens.take(b, "confirm")
    b.get_by_role("button", name="Accept").click()
    b.locator("#state .pill", has_text="Active").wait_for()


def deciding(screens: Screens, acme: NodeChild, globex: NodeChild, pages: list[Any]) -> None:
    """One admin has accepted, and the other one is asked."""
    names = {"name": "Assets", "local_short_name": "Acme", "remote_short_name": "Globex", "ask_me": True}
    offered = client(acme).initiate({"destination_url": globex.node_url, **names})
    client(globex).accept({"code": offered["invitation_code"]})
    for node, page, title in zip((acme, globex), pages, ("awaiting", "awaiting-there"), strict=True):
        page.goto(f"{node.node_url}/console/connections/{offered['connection']['sys_id']}")
        page.locator("#state .pill", has_text="Awaiting").wait_for()
        screens.take(page, title)
    client(acme).act(offered["connection"]["sys_id"], "refuse")


def evaluation_ended(data: Path) -> None:
    """A node that has been there for longer than its evaluation."""
    data.mkdir(mode=0o700)
    open_license(data / LICENSE_FILE, now=time.time() - EVALUATION_S - 86_400, public=None)


def licenses(screens: Screens, acme: NodeChild, a: Any) -> None:
    """License Details in the evaluation, with a key that does not count, and with one that does."""
    a.goto(f"{acme.node_url}/console/license")
    screens.take(a, "license-evaluation")
    a.get_by_label("License key").fill("handclasp-license_aaaa")
    a.get_by_role("button", name="Use this key").click()
    screens.take(a, "license-refused")
    now = int(time.time())
    key = issue(LICENSE_KEYS, LicenseKey(licensee="Acme Corporation", issued_at=now, expires_at=now + 365 * 86_400))
    a.get_by_label("License key").fill(key)
    a.get_by_role("button", name="Use this key").click()
    screens.take(a, "license-paid")


def unlicensed(screens: Screens, acme: NodeChild, globex: NodeChild, b: Any) -> None:
    """What a node says whose evaluation has ended."""
    b.goto(f"{globex.node_url}/console/license")
    screens.take(b, "license-free")
    b.goto(f"{globex.node_url}/console/initiate")
    b.get_by_label("Destination instance URL").fill(acme.instance_url)
    b.get_by_label("Destination instance URL").press("Tab")
    b.locator("[data-outcome=ok]").wait_for()
    screens.take(b, "destination-unlicensed")


def client(node: NodeChild) -> AdminClient:
    """The admin API of a node."""
    return AdminClient(Place(title=node.name, url=node.node_url, token=read_admin_token(node.data) or ""))


def expiring(acme: NodeChild) -> None:
    """An invitation code that will have expired when the pictures of errors are taken."""
    names = {"name": "Late summer", "local_short_name": "Acme", "remote_short_name": "Initech"}
    client(acme).initiate({**names, "code_lifetime_s": CODE_LIFETIME_S_MIN})


def errors(screens: Screens, acme: NodeChild, globex: NodeChild, a: Any) -> None:
    """What goes wrong, once one partner is gone and one code has expired."""
    globex.kill()
    for one in client(acme).connections():
        if one["status"] == "active":
            client(acme).act(one["sys_id"], "deactivate")
    a.goto(f"{acme.node_url}/console/errors")
    a.locator(".error").wait_for()
    a.locator("tr", has_text="Late summer").wait_for(timeout=1000 * CODE_LIFETIME_S_MIN)
    screens.take(a, "errors")
    a.goto(f"{acme.node_url}/console/queue")
    screens.take(a, "queue")


def stage(screens: Screens, page: Any) -> None:
    """The live stage: before anything, with a node that was killed, and at its end."""
    command = [sys.executable, "-m", "node", "demo", "--browser", "--no-open", "--trouble", "--pace", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        try:
            links = (re.search(r"http://\S+/enter/\S+", line) for line in demo.stdout or ())
            page.goto(next(link[0] for link in links if link is not None))
            page.get_by_text("Node a is lost").wait_for()
            screens.take(page, "stage-killed", whole=False)
            page.get_by_text("both consoles are yours now").wait_for()
            for console in page.frames[1:]:
                console.locator("#state .pill", has_text="Active").wait_for()
            screens.take(page, "stage", whole=False)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate()


def more(acme: NodeChild, globex: NodeChild) -> None:
    """Further connections, so that the list shows every kind of status."""
    source, destination = client(acme), client(globex)
    names = {"local_short_name": "Acme", "remote_short_name": "Globex"}
    for name, wanted in (("Changes", "deactivate"), ("Problems", None), ("Old trial", "withdraw"), ("Requests", None)):
        offered = source.initiate({"destination_url": globex.node_url, "name": name, **names})
        if wanted == "deactivate":
            destination.accept({"code": offered["invitation_code"]})
            until_active(source, offered["connection"]["sys_id"])
        if wanted is not None:
            source.act(offered["connection"]["sys_id"], wanted)


def until_active(client: AdminClient, sys_id: str) -> None:
    """Wait until a connection is active."""
    while client.connection(sys_id)["connection"]["status"] != "active":
        time.sleep(0.05)


def main() -> None:
    """Take them, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--only", choices=["records"])
    wanted = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        print("Error: chromium is missing; install it with: sudo scripts/install-debian-packages", file=sys.stderr)
        sys.exit(3)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a development dependency

    wanted.to.mkdir(parents=True, exist_ok=True)
    screens = Screens(wanted.to)
    with two_nodes() as nodes, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        pages = [browser.new_context().new_page() for _ in nodes]
        if wanted.only:
            sign_in(screens, nodes[0], pages[0], is_first=False)
            records(screens, nodes[0], pages[0])
        else:
            flow(screens, nodes, pages)
            stage(screens, browser.new_page())
        browser.close()
    print(f"{screens.count} pictures are in {wanted.to}.")
    if wanted.readme and not wanted.only:
        for name, document in IN_README.items():
            shutil.copyfile(wanted.to / f"{name}.png", DOCS / document)
    if screens.too_wide:
        sys.exit(f"Wider than their window: {', '.join(sorted(set(screens.too_wide)))}")


if __name__ == "__main__":
    main()
