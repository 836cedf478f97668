"""The documents in the footer: each is served, says what it is about, and leads only to what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from node.console.about_pages import DOCUMENTS
from tests.node.console_visits import Visit
from tests.node.local_nodes import running_node

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    import asyncio

    return asyncio.run(_pages(tmp_path_factory.mktemp("about")))


async def _pages(folder):
    async with running_node(folder / "a") as node, Visit(node) as visit:
        await visit.sign_in()
        found = {name: await visit.get(f"/console/about/{name}") for name in (*DOCUMENTS, "license", "nonsense")}
        links = {link for _, page in found.values() for link in page.links if link.startswith("/")}
        statuses = {link: (await visit.get(link.partition("#")[0]))[0].status for link in links}
        return {name: (answer.status, page) for name, (answer, page) in found.items()}, statuses


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_has_its_title_and_nothing_of_markdown_is_left(pages, name):
    status, page = pages[0][name]
    assert (status, page.headings) == (200, [DOCUMENTS[name][0]])
    text = page.source.partition('class="card prose">')[2].partition("</article>")[0]
    assert len(text) > 1_000
    assert not re.search(r"\*\*|^#|\]\(|&lt;", text, re.MULTILINE)


def test_each_link_of_a_document_leads_somewhere(pages):
    assert len(pages[1]) > 10
    assert {link: status for link, status in pages[1].items() if status != 200} == {}


def test_the_release_history_is_the_changelog(pages):
    source = pages[0]["release-history"][1].source
    headings = re.findall(r"^#+ \[?([^\]\n]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1:]
    assert headings
    assert [heading for heading in headings if f">{heading}" not in source] == []


def test_the_license_is_shown_as_it_stands(pages):
    source = pages[0]["license"][1].source
    for line in ("Apache License", "END OF TERMS AND CONDITIONS", "Zero-Clause BSD", "Copyright (c)"):
        assert line in source


def test_there_is_no_other_document(pages):
    assert pages[0]["nonsense"][0] == 404
