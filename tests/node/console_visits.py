"""A person before the console without a browser: requests, cookies, and the forms of the pages that came back."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import aiohttp

from tests.node.local_nodes import running_node

if TYPE_CHECKING:
    from tests.node.local_nodes import LocalNode


class Page:
    """What a page says, and the forms that it has; most tests look at its text alone."""

    def __init__(self, text: str) -> None:
        self.source = text

    @cached_property
    def _elements(self) -> Elements:
        return Elements(self.source)

    @property
    def forms(self) -> list[dict[str, Any]]:
        return self._elements.forms

    @property
    def links(self) -> list[str]:
        return self._elements.links

    @property
    def headings(self) -> list[str]:
        return self._elements.headings

    def form(self, action: str) -> dict[str, Any]:
        return next(one for one in self.forms if one["action"] == action)


class Elements(HTMLParser):
    """The forms, links and headings of a page: to find them takes longer than to ask for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self._area: str | None = None
        self._is_heading = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        match tag:
            case "form":
                self.forms.append({"action": given.get("action"), "fields": {}, "buttons": []})
            case "a":
                self.links.append(given.get("href") or "")
            case "input" if self.forms:
                is_box = given.get("type") in {"checkbox", "radio"}
                if given.get("name") and (not is_box or "checked" in given):
                    self.forms[-1]["fields"][given["name"]] = given.get("value") or ""
            case "textarea" if self.forms:
                self._area = given.get("name")
            case "button" if self.forms:
                self.forms[-1]["buttons"].append((given.get("name"), given.get("value")))
            case "h1":
                self._is_heading = True

    def handle_endtag(self, tag):
        self._area = None if tag == "textarea" else self._area
        self._is_heading = self._is_heading and tag != "h1"

    def handle_data(self, data):
        if self._area:
            self.forms[-1]["fields"][self._area] = data.removeprefix("\n")  # as browsers read it
        if self._is_heading:
            self.headings.append(data.strip())


class Visit:
    """One browser's cookies and what it asks; it follows no redirect by itself."""

    def __init__(self, node: LocalNode) -> None:
        self.node = node
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.http.close()

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, Page]:
        async with self.http.get(urljoin(self.node.url, path), headers=headers, allow_redirects=False) as answer:
            return answer, Page(await answer.text())

    async def post(
        self, path: str, fields: dict[str, str], **headers: str | None
    ) -> tuple[aiohttp.ClientResponse, Page]:
        sent = {name: value for name, value in ({"Origin": self.node.url} | headers).items() if value is not None}
        url = urljoin(self.node.url, path)
        async with self.http.post(url, data=fields, headers=sent, allow_redirects=False) as answer:
            return answer, Page(await answer.text())

    async def send(self, page: Page, action: str, **fields: str) -> tuple[aiohttp.ClientResponse, Page]:
        """Send a form of a page with some fields filled in; a field that is None is left out."""
        form = {**page.form(action)["fields"], **fields}
        return await self.post(action, {name: value for name, value in form.items() if value is not None})

    async def sign_in(self, password: str | None = None, *, name: str = "admin") -> None:
        status = await self.try_to_sign_in(name, password if password is not None else self.node.password)
        assert status == 303, status

    async def try_to_sign_in(self, name: str, password: str) -> int:
        """The status that the sign-in form gets."""
        _, page = await self.get("/console/sign-in")
        return (await self.send(page, "/console/sign-in", name=name, password=password))[0].status


@asynccontextmanager
async def two_admins(folder):
    """Each signed in to a node of their own."""
    async with AsyncExitStack() as stack:
        visits = []
        for name in ("a", "b"):
            node = await stack.enter_async_context(running_node(folder / name, name=f"Instance {name.upper()}"))
            visit = await stack.enter_async_context(Visit(node))
            await visit.sign_in()
            visits.append(visit)
        yield visits
