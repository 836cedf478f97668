"""Files that an admin attaches in the console: by the same rules as the Attachment API, and only from its own pages."""

from __future__ import annotations

import io

import aiohttp
import pytest

from node.instance.front import BODY_BYTES_MAX
from tests.node.console_visits import Page, Visit
from tests.node.local_nodes import running_node
from tests.node.record_visits import INCIDENTS, looked_at, made, token_of


@pytest.fixture
async def visit(tmp_path):
    async with running_node(tmp_path / "a", name="Instance A") as node, Visit(node) as visit:
        await visit.sign_in()
        yield visit


async def sent(visit, place, token, content, name="notes ü.txt"):
    form = aiohttp.FormData(quote_fields=False)  # as browsers write names
    form.add_field("form_token", token)
    if content is not None:
        form.add_field("file", io.BytesIO(content), filename=name, content_type="text/plain")
    headers = {"Origin": visit.node.url}
    async with visit.http.post(f"{visit.node.url}{place}", data=form, headers=headers, allow_redirects=False) as answer:
        return answer, Page(await answer.text())


async def test_a_file_is_attached_and_downloaded_unless_it_is_too_large_or_forged_or_for_no_record(visit):
    sys_id = await made(visit, short_description="a")
    place = f"{INCIDENTS}/{sys_id}"
    token = token_of(await looked_at(visit, place))
    content = bytes(range(256)) * 2_000  # two pieces
    answer, _ = await sent(visit, f"{place}/attachments", token, content)
    assert answer.headers["Location"] == f"{place}?saved=file"
    page = await looked_at(visit, place)
    link = next(link for link in page.links if "/attachments/" in link)
    assert "notes ü.txt" in page.source
    async with visit.http.get(f"{visit.node.url}{link}") as answer:
        assert (await answer.read() == content) is True
    for where, given, content, status, said in (
        (place, token, None, 422, "choose a file"),
        (place, token, b"x" * (BODY_BYTES_MAX + 1), 413, "up to 32 MiB"),
        (place, "forged", b"x", 403, "too old"),
        (f"{INCIDENTS}/{'0' * 32}", token, b"x", 404, "no such record"),
    ):
        answer, page = await sent(visit, f"{where}/attachments", given, content)
        assert (answer.status, said in page.source) == (status, True), page.headings
    assert [link for link in (await looked_at(visit, place)).links if "/attachments/" in link] == [link]
