"""What pages are made by is loaded while a node is at rest: after its start, and before anybody waits for a page."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from node import serve
from node.console.console import Console

PROGRAM = """
import sys
from node.console.console import Console
assert not {"jinja2", "node.console.pages"} & set(sys.modules), "a start need not wait for them"
Console.warm_up()
loaded = set(sys.modules)
from node.console.pages import Pages
from node.console.rendering import HERE, templates_in
templates = templates_in(HERE / "templates")
made = {name for _, name in templates.cache.keys()}
assert made == set(templates.list_templates()), set(templates.list_templates()) - made
assert set(sys.modules) == loaded, set(sys.modules) - loaded
"""


def test_all_that_the_first_page_needs_is_loaded():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


@pytest.mark.parametrize(("is_ending", "warmed"), [(False, 1), (True, 0)])
async def test_it_is_loaded_after_a_rest_unless_the_node_ends_first(monkeypatch, is_ending, warmed):
    loaded = []
    monkeypatch.setattr(Console, "warm_up", lambda: loaded.append(1))
    monkeypatch.setattr(serve, "WARM_UP_AFTER_S", 600 if is_ending else 0)
    ending = asyncio.Event()
    if is_ending:
        asyncio.get_running_loop().call_soon(ending.set)
    await serve._warmed_up(ending)
    assert len(loaded) == warmed
