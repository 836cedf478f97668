"""Each element of the page that the console follows: where it stands here, or why it doesn't."""

from __future__ import annotations

import contextlib
import re
from html import unescape

import pytest

from tests.node.console_visits import Visit
from tests.node.local_nodes import running_node

ELEMENTS = [
    # what the page shows, on which page here it is, as what
    ("menu: Getting Started", "list", r"<span>Getting Started</span></a>"),
    ("menu: General Settings", "list", r"<span>General Settings</span></a>"),
    ("menu: Connections", "list", r'aria-current="page"[^>]*>.*<span>Connections</span></a>'),
    ("menu: Errors", "list", r"<span>Errors</span></a>"),
    ("menu: Exalate Notifications", "list", r"<span>Notifications</span></a>"),
    ("menu: License Details", "list", r"<span>License Details</span></a>"),
    ("menu: Sync Queue", "list", r"<span>Sync Queue</span></a>"),
    ("menu: Clean-up Tools", "list", r"<span>Clean-up Tools</span></a>"),
    ("instance in the head", "list", r'class="instance-name">Instance A<'),
    ("what a connection defines", "list", r"A connection joins this instance with another one\. It defines"),
    ("button: Initiate connection", "list", r"<span>Initiate connection</span></a>"),
    ("button: Accept invitation", "list", r"<span>Accept invitation</span></a>"),
    ("no connection defined yet", "list", r"You have no connection yet"),
    ("button: Create a new connection", "list", r"<span>Create a new connection</span></a>"),
    ("powered by, version, core version", "list", r"Powered by Handclasp v\. [\d.]+ \(protocol v\. 1\)"),
    ("footer: Report a bug", "list", r'href="/console/report">Report a bug</a>'),
    ("footer: Documentation", "list", r'href="/console/about/documentation">Documentation</a>'),
    ("footer: License (EULA)", "list", r'href="/console/about/license">License</a>'),
    ("footer: Support", "list", r'href="/console/about/support">Support</a>'),
    ("resource: API Reference", "list", r'href="/console/about/api-reference">API Reference</a>'),
    ("resource: Glossary", "list", r'href="/console/about/glossary">Glossary</a>'),
    ("resource: Release History", "list", r'href="/console/about/release-history">Release History</a>'),
    ("resource: Security", "list", r'href="/console/about/security">Security</a>'),
    ("dialog: Initiate connection", "destination", r"<h1[^>]*>Initiate connection</h1>"),
    ("dialog: the cross", "destination", r"data-close"),
    ("field: Destination instance URL", "destination", r'<label for="destination_url">Destination instance URL</label>'),
    ("field: its example", "destination", r'placeholder="https://"'),
    ("toggle: I don't have a URL", "destination", r"type=\"checkbox\" name=\"no_url\".*<span>I don't have a URL</span>"),
    ("note: either URL may be entered", "destination", r"The link to the other instance, or its node URL"),
    ("button: Next", "destination", r'value="next" type="submit">Next'),
    ("the tick beside the URL", "judged", r'class="tick".*data-outcome="ok"'),
    ("Choose the configuration type", "judged", r"<legend>Choose the configuration type</legend>"),
    ("mode: Script", "judged", r'value="script" required checked>'),
    ("the mode is suggested", "judged", r"Script <span class=\"tag\">Suggested</span>"),
    ("note: a mode can't be changed", "judged", r"A connection keeps its mode for ever\. Another mode needs another"),
    ("heading: Connection information", "information", r"<h2>Connection information</h2>"),
    ("field: Local instance short name*", "information", r"Local instance short name<span class=\"star\""),
    ("field: Remote instance short name*", "information", r"Remote instance short name<span class=\"star\""),
    ("field: Connection name*", "information", r"Connection name<span class=\"star\""),
    ("field: Description", "information", r'<label for="description">Description</label>'),
    ("button: Previous", "information", r'value="back"[^>]*>.*Previous'),
    ("button: Next, to the code", "information", r'value="create"[^>]*>Next'),
    ("On the company B side", "code", r"On the <strong>“company B”</strong> side, you or their admin accepts"),
    ("button: Copy invitation code", "code", r"<span>Copy invitation code</span></button>"),
    ("button: Done", "code", r"data-done>Done</a>"),
    ("link: Go to remote", "code", r"<span>Go to remote</span></a>"),
    ("status: Pending", "connection", r"<span>Pending</span></span>"),
    ("note: your instance is public", "settings", r"<span>Public</span>"),
    ("note: the status changes", "connection", r'hx-trigger="changed from:body"'),
    ("note: you are in the evaluation or have a paid license", "license", r"<span>Evaluation</span>.*in 30 days"),
    ("source and destination", "connection", r"<h2>Source .*<h2>Destination "),
]  # fmt: skip

NOT_YET = {
    "menu: Entity Sync Status": "it needs record synchronisation, which this version does not have",
    "menu: Triggers": "it needs record synchronisation, which this version does not have",
    "menu: Bulk Connect": "it needs record synchronisation, which this version does not have",
}

NEVER = {
    "note: Refresh the Connections page": "no refresh is needed",
    "resource: Pricing and Licensing": "nothing is sold here",
    "resource: Academy, Blog, YouTube, Ebooks": "they are a company's",
    "help: Community, Service Desk, Partner": "they are a company's",
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Each page of the flow, once."""
    import asyncio

    return asyncio.run(_pages(tmp_path_factory.mktemp("seed")))


async def _pages(folder):
    async with contextlib.AsyncExitStack() as stack:
        a = await stack.enter_async_context(running_node(folder / "a", name="Instance A"))
        b = await stack.enter_async_context(running_node(folder / "b", name="Instance B"))
        visit = await stack.enter_async_context(Visit(a))
        await visit.sign_in()
        found = {}
        _, found["list"] = await visit.get("/console/connections")
        _, found["license"] = await visit.get("/console/license")
        _, found["settings"] = await visit.get("/console/settings")
        _, found["destination"] = await visit.get("/console/initiate")
        send = lambda page, **more: visit.send(page, "/console/initiate", **more)  # noqa: E731 - said four times
        _, found["judged"] = await send(found["destination"], destination_url=b.url, go="next")
        _, found["information"] = await send(found["judged"], mode="script", go="next")
        answer, _ = await send(found["information"], remote_short_name="company B", name="", go="create")
        _, found["code"] = await visit.get(answer.headers["Location"])
        _, found["connection"] = await visit.get(answer.headers["Location"].split("/code")[0])
        return {name: unescape(page.source) for name, page in found.items()}


@pytest.mark.parametrize(("element", "page", "pattern"), ELEMENTS, ids=[row[0] for row in ELEMENTS])
def test_an_element_of_the_page_is_found(pages, element, page, pattern):
    assert re.search(pattern, pages[page], re.DOTALL), element


@pytest.mark.parametrize("element", NOT_YET)
def test_what_is_not_there_yet_is_not_shown_as_if_it_were(pages, element):
    name = element.partition(": ")[2]
    for text in pages.values():
        assert not re.search(rf"<a [^>]*>(<svg.*?</svg>)?(<span>)?{name}", text), f"{name} is there: list it above"


def test_each_element_is_listed_once():
    names = [*(row[0] for row in ELEMENTS), *NOT_YET, *NEVER]
    assert len(names) == len(set(names))
    assert all(NOT_YET.values())
    assert all(NEVER.values())
